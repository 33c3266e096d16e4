/** A sample value for every element R4 knows, by its type. */
import { type Slot, shapeOf } from '../../src/fhir/structure.ts';

const instant = '2020-02-03T10:00:00+01:00';
const quantity = (value: number, unit: string) => ({ value, unit, system: 'http://unitsofmeasure.org', code: unit });
const example = 'http://example.org/fhir';

const values: Readonly<Record<string, unknown>> = {
  string: 'Sample',
  markdown: 'Sample',
  code: 'sample',
  uri: `${example}/sample`,
  url: `${example}/sample`,
  canonical: `${example}/sample`,
  oid: 'urn:oid:1.2.3',
  uuid: 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520',
  id: 'sample',
  boolean: true,
  integer: 1,
  positiveInt: 1,
  unsignedInt: 1,
  decimal: 1.5,
  date: '2020-02-03',
  dateTime: instant,
  instant,
  time: '10:00:00',
  base64Binary: 'U2FtcGxl',
  Quantity: quantity(5, 'mg'),
  SimpleQuantity: quantity(5, 'mg'),
  Age: quantity(40, 'a'),
  Duration: quantity(3, 'd'),
  Count: { value: 2, code: '1', system: 'http://unitsofmeasure.org' },
  Distance: quantity(2, 'm'),
  Money: { value: 5, currency: 'EUR' },
  Range: { low: quantity(1, 'mg'), high: quantity(2, 'mg') },
  Ratio: { numerator: quantity(1, 'mg'), denominator: quantity(2, 'mL') },
  Period: { start: '2020-02-03', end: '2020-02-04' },
  SampledData: { origin: quantity(0, 'mV'), period: 10, dimensions: 1, data: '1 2 3' },
  Identifier: { system: `${example}/id`, value: 'Sample' },
  HumanName: { use: 'official', family: 'Sample', given: ['Person'] },
  ContactPoint: { system: 'phone', value: '555' },
  Address: { text: 'Sample Street 1' },
  Annotation: { authorString: 'Somebody', text: 'Sample' },
  Attachment: { contentType: 'text/plain', data: 'U2FtcGxl', title: 'Sample' },
  Coding: { system: `${example}/codes`, code: 'sample', display: 'Sample' },
  CodeableConcept: { coding: [{ system: `${example}/codes`, code: 'sample', display: 'Sample' }], text: 'Sample' },
  Dosage: { text: 'one a day' },
  Timing: { code: { text: 'daily' } },
  Narrative: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">Sample</div>' },
  Extension: { url: `${example}/extension`, valueString: 'Sample' },
  Meta: { tag: [{ system: `${example}/tags`, code: 'sample' }] },
  Signature: undefined,
  'Appointment.participant': { actor: { display: 'Somebody' }, status: 'accepted' },
};

/** One item of the element; undefined where no sample can be made. */
export function sampleOf(slot: Slot, coding?: { readonly system: string; readonly code: string }): unknown {
  if (coding) {
    if (slot.type === 'code') return coding.code;
    return slot.type === 'CodeableConcept' ? { coding: [coding] } : coding;
  }
  if (slot.type === 'Reference') return referenceTo(targetOf(slot));
  if (slot.type in values) return values[slot.type];
  return backbone(slot.type);
}

function referenceTo(target: string): unknown {
  return target === 'Patient' ? { reference: 'Patient/pt-1' } : { reference: `${target}/sample`, display: 'Sample' };
}

function targetOf({ targets = [] }: Slot): string {
  return targets.includes('Patient') ? 'Patient' : (targets[0] ?? 'Group');
}

/** What is mandatory, and one element where nothing is. */
function backbone(type: string): unknown {
  const shape = shapeOf(type);
  if (!shape) return undefined;
  const own = [...shape.slots.values()].filter(({ key }) => !['id', 'extension', 'modifierExtension'].includes(key));
  const mandatory = shape.mandatory.flatMap(([first]) => first ?? []);
  const chosen = mandatory.length > 0 ? mandatory : own.slice(0, 1);
  return Object.fromEntries(chosen.map((slot) => [slot.key, asMany(slot, sampleOf(slot, codingsOf(slot)[0]))]));
}

export function asMany(slot: Slot, item: unknown): unknown {
  return slot.many ? [item] : item;
}

/** Every code of a required binding. */
export function codingsOf({ codes }: Slot): readonly { readonly system: string; readonly code: string }[] {
  return [...(codes ?? [])].flatMap(([system, list]) => [...list].map((code) => ({ system, code })));
}
