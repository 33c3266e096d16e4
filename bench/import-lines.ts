/** A laboratory's file: results with their patients and reports, about 800 bytes a line, the same for the same numbers. */

const tests = [
  ['718-7', 'Hemoglobin [Mass/volume] in Blood', 'g/dL', 'g/dL', 12, 16, 1],
  ['2345-7', 'Glucose [Mass/volume] in Serum or Plasma', 'mg/dL', 'mg/dL', 70, 99, 0],
  ['2160-0', 'Creatinine [Mass/volume] in Serum or Plasma', 'mg/dL', 'mg/dL', 0.6, 1.2, 2],
  ['6690-2', 'Leukocytes [#/volume] in Blood by Automated count', '10*3/uL', '10*3/uL', 4, 10, 1],
  ['777-3', 'Platelets [#/volume] in Blood by Automated count', '10*3/uL', '10*3/uL', 150, 400, 0],
  ['2951-2', 'Sodium [Moles/volume] in Serum or Plasma', 'mmol/L', 'mmol/L', 135, 145, 0],
] as const;

/** Of every twenty lines one is a patient and one a report; the others are results of this patient. */
export function* labLines(count: number, start = 0): Generator<string> {
  for (let n = start; n < start + count; n += 1) {
    const group = Math.floor(n / 20);
    const place = n % 20;
    yield JSON.stringify(place === 0 ? patient(group) : place === 19 ? report(group) : result(group, place));
  }
}

function patient(group: number): object {
  return {
    resourceType: 'Patient',
    id: `p${group}`,
    identifier: [{ system: 'urn:oid:2.16.756.5.30.1.99', value: `LAB-${group}` }],
    name: [{ use: 'official', family: `Muster${group}`, given: ['Anna'] }],
    gender: group % 2 === 0 ? 'female' : 'male',
    birthDate: `19${20 + (group % 80)}-0${1 + (group % 9)}-1${group % 9}`,
    address: [{ line: ['Bahnhofstrasse 1'], city: 'Zürich', postalCode: '8001', country: 'CH' }],
  };
}

function result(group: number, place: number): object {
  const [code, display, unit, ucum, low, high, digits] = tests[place % tests.length] ?? tests[0];
  const value = Number((low + ((group * 7 + place * 13) % 100) * ((high - low) / 70)).toFixed(digits));
  const flag = value > high ? 'H' : value < low ? 'L' : 'N';
  return {
    resourceType: 'Observation',
    id: `o${group}-${place}`,
    identifier: [{ system: 'https://lab.example/result', value: `R-${group}-${place}` }],
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
    code: { coding: [{ system: 'http://loinc.org', code, display }], text: display },
    subject: { reference: `Patient/p${group}` },
    effectiveDateTime: day(group),
    valueQuantity: { value, unit, system: 'http://unitsofmeasure.org', code: ucum },
    interpretation: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation', code: flag }] }],
    referenceRange: [{ low: { value: low, unit }, high: { value: high, unit }, text: `${low}-${high} ${unit}` }],
  };
}

function report(group: number): object {
  return {
    resourceType: 'DiagnosticReport',
    id: `r${group}`,
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0074', code: 'LAB' }] }],
    code: { text: 'Routine panel' },
    subject: { reference: `Patient/p${group}` },
    effectiveDateTime: day(group),
    result: Array.from({ length: 18 }, (_, at) => ({ reference: `Observation/o${group}-${at + 1}` })),
  };
}

function day(group: number): string {
  return `20${10 + (group % 14)}-0${1 + (group % 9)}-1${group % 9}`;
}
