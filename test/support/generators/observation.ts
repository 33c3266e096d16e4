/** Random valid Observations of one patient: results with every value[x], symptoms of an appointment, lifestyle and other history. */
import fc from 'fast-check';
import type { JsonObject } from '../../../src/mapping/lift.ts';
import {
  all,
  annotation,
  concept,
  dateTime,
  decimal,
  extension,
  extensions,
  instant,
  listOf,
  period,
  primitiveExtension,
  quantity,
  reference,
  resourceParts,
  simpleQuantity,
  some,
  text,
  time,
} from './pieces.ts';

const wordsOfResults = fc.constantFrom(
  'positive',
  'Not detected',
  '5.0 H',
  '120/80',
  '+',
  'trace',
  'pending',
  '<5',
  '1:40',
  '6.30',
);

/** low not above high, as ref-2 would ask; here by having one of them only, or the same twice. */
const range: fc.Arbitrary<JsonObject> = fc.oneof(
  simpleQuantity.map((low): JsonObject => ({ low })),
  simpleQuantity.map((high): JsonObject => ({ high })),
  simpleQuantity.map((end): JsonObject => ({ low: end, high: end })),
);
const ratio: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.constantFrom(10, 40, 160).map((value) => ({ numerator: { value: 1 }, denominator: { value } })),
  all({ numerator: quantity, denominator: quantity }),
);
const sampled = all({
  origin: simpleQuantity.map(({ value = 0, unit = 'mV' }) => ({ value, unit })),
  period: decimal,
  dimensions: fc.constant(1),
  data: fc.constant('1 2 E 4'),
});

const value: fc.Arbitrary<JsonObject> = fc.oneof(
  { weight: 4, arbitrary: quantity.map((valueQuantity): JsonObject => ({ valueQuantity })) },
  { weight: 2, arbitrary: concept.map((valueCodeableConcept): JsonObject => ({ valueCodeableConcept })) },
  fc.oneof(wordsOfResults, text(200)).map((valueString): JsonObject => ({ valueString })),
  all({ valueString: wordsOfResults, _valueString: primitiveExtension }),
  fc.boolean().map((valueBoolean): JsonObject => ({ valueBoolean })),
  fc.integer({ min: -5, max: 500 }).map((valueInteger): JsonObject => ({ valueInteger })),
  range.map((valueRange): JsonObject => ({ valueRange })),
  ratio.map((valueRatio): JsonObject => ({ valueRatio })),
  sampled.map((valueSampledData): JsonObject => ({ valueSampledData })),
  time.map((valueTime): JsonObject => ({ valueTime })),
  dateTime.map((valueDateTime): JsonObject => ({ valueDateTime })),
  period.map((valuePeriod): JsonObject => ({ valuePeriod })),
);
const noValue: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.constant<JsonObject>({}),
  concept.map((dataAbsentReason): JsonObject => ({ dataAbsentReason })),
);

/** Codes of components never are the Observation's own (obs-7). */
const componentCode = fc
  .constantFrom('a', 'b', 'c')
  .map((code) => ({ coding: [{ system: 'http://example.org/components', code }], text: `Component ${code}` }));
const component: fc.Arbitrary<JsonObject> = fc
  .record({
    code: componentCode,
    value: fc.oneof(value, noValue),
    more: some({ interpretation: listOf(concept), extension: extensions }),
  })
  .map(({ code, value: one, more }) => ({ code, ...one, ...more }));
const loincCode = (code: string) => ({ coding: [{ system: 'http://loinc.org', code }] });
const bloodPressure: fc.Arbitrary<JsonObject> = fc.tuple(decimal, decimal).map(([above, below]) => ({
  component: [
    { code: loincCode('8480-6'), valueQuantity: { value: above, unit: 'mmHg' } },
    { code: loincCode('8462-4'), valueQuantity: { value: below, unit: 'mmHg' } },
  ],
}));

const interpretationCode = fc.constantFrom('H', 'L', 'HH', 'LL', 'N', 'A', 'AA', 'POS', '<', '>', 'HU', 'LU', 'R', 'S', 'QCF');
const interpretation = fc.oneof(
  concept,
  interpretationCode.map((code) => ({
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation', code }],
  })),
);
const referenceRange: fc.Arbitrary<JsonObject> = fc.oneof(
  all({ text: fc.constantFrom('3.5-5.1', '< 5', 'up to 40 mg/dL', 'negative', '0-0') }, { type: concept, extension: extensions }),
  fc.tuple(range, some({ appliesTo: listOf(concept), age: range })).map(([ends, more]) => ({ ...ends, ...more })),
);

const effective: fc.Arbitrary<JsonObject> = fc.oneof(
  { weight: 3, arbitrary: dateTime.map((effectiveDateTime): JsonObject => ({ effectiveDateTime })) },
  all({ effectiveDateTime: dateTime, _effectiveDateTime: primitiveExtension }),
  period.map((effectivePeriod): JsonObject => ({ effectivePeriod })),
  instant.map((effectiveInstant): JsonObject => ({ effectiveInstant })),
  listOf(dateTime).map((event): JsonObject => ({ effectiveTiming: { event } })),
  instant.map((issued): JsonObject => ({ issued })),
);

/** Before MediMax's today: the history holds what has happened. */
const past: fc.Arbitrary<JsonObject> = fc.oneof(
  fc
    .integer({ min: 1970, max: 2025 })
    .chain((year) =>
      fc
        .constantFrom(`${year}`, `${year}-05`, `${year}-05-17`, `${year}-05-17T23:10:00-05:00`)
        .map((effectiveDateTime): JsonObject => ({ effectiveDateTime })),
    ),
  fc.integer({ min: 1970, max: 2025 }).map((year): JsonObject => ({ effectivePeriod: { start: `${year}-02` } })),
);

const status = fc.constantFrom(
  'final',
  'final',
  'final',
  'preliminary',
  'registered',
  'amended',
  'corrected',
  'unknown',
  'cancelled',
);
const category = (code: string) => ({
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code }],
});

const rest = some({
  ...resourceParts,
  note: listOf(annotation),
  method: concept,
  bodySite: concept,
  encounter: reference('Encounter'),
  device: reference('Device'),
  hasMember: listOf(reference('Observation')),
  focus: listOf(reference('Location')),
});
const subjectOf = (patientId: string): fc.Arbitrary<JsonObject> =>
  all({ reference: fc.constant(`Patient/${patientId}`) }, { display: text(), extension: extensions });

/** Contained resources that something refers to (dom-3). */
const containedFacility: JsonObject = {
  contained: [{ resourceType: 'Organization', id: 'lab', name: 'Central Lab' }],
  performer: [{ reference: '#lab' }],
};
const containedOrder: JsonObject = {
  contained: [
    {
      resourceType: 'ServiceRequest',
      id: 'order',
      status: 'active',
      intent: 'order',
      subject: { display: 'x' },
      requester: { display: 'Dr. Order' },
    },
  ],
  basedOn: [{ reference: '#order' }],
};

export function result(patientId: string): fc.Arbitrary<JsonObject> {
  const values = fc.oneof(
    { weight: 4, arbitrary: value },
    noValue,
    bloodPressure,
    fc.tuple(fc.oneof(value, noValue), listOf(component)).map(([one, list]): JsonObject => ({ ...one, component: list })),
  );
  const about = fc.oneof(
    some({ performer: listOf(reference('Practitioner', 'Organization')), basedOn: listOf(reference('ServiceRequest')) }),
    fc.constantFrom(containedFacility, containedOrder),
  );
  const more = some({
    category: listOf(fc.oneof(concept, fc.constantFrom('laboratory', 'vital-signs', 'exam', 'survey').map(category))),
    interpretation: listOf(interpretation),
    referenceRange: listOf(referenceRange),
    issued: instant,
  });
  return fc
    .record({ status, code: concept, subject: subjectOf(patientId), effective, values, about, more, rest })
    .map(({ effective: when, values: what, about: who, more: other, rest: kept, ...always }) => ({
      resourceType: 'Observation',
      ...kept,
      ...always,
      ...other,
      ...when,
      ...what,
      ...who,
    }));
}

const qualifier = (...codes: readonly string[]) =>
  fc.oneof(
    concept.map((valueCodeableConcept): JsonObject => ({ valueCodeableConcept })),
    fc
      .constantFrom(...codes)
      .map((code): JsonObject => ({ valueCodeableConcept: { coding: [{ system: 'http://snomed.info/sct', code }] } })),
  );
const duration = fc.oneof(
  fc.constantFrom('2 days', '1 week', 'since Monday', '3 h').map((valueString): JsonObject => ({ valueString })),
  quantity.map((valueQuantity): JsonObject => ({ valueQuantity })),
);
const symptomComponents = fc
  .tuple(
    fc.option(qualifier('255604002', '6736007', '24484000', '442452003').map((one) => ({ code: loincCode('64750-3'), ...one }))),
    fc.option(duration.map((one) => ({ code: loincCode('64748-7'), ...one }))),
    fc.option(qualifier('385315009', '61751001').map((one) => ({ code: loincCode('99495-4'), ...one }))),
    fc.option(qualifier('90734009', '7087005').map((one) => ({ code: loincCode('89261-2'), ...one }))),
    fc.option(component),
  )
  .map((list): JsonObject => {
    const present = list.filter((one) => one !== null);
    return present.length > 0 ? { component: present } : {};
  });

export function symptom(patientId: string, appointmentId: string): fc.Arbitrary<JsonObject> {
  const named = fc.oneof(
    concept.map((valueCodeableConcept): JsonObject => ({ valueCodeableConcept })),
    text().map((valueString): JsonObject => ({ valueString })),
  );
  return fc
    .record({
      status,
      subject: subjectOf(patientId),
      named,
      parts: symptomComponents,
      effective,
      rest,
      other: fc.option(extension),
      before: fc.boolean(),
    })
    .map(({ status: one, subject, named: what, parts, effective: when, rest: kept, other, before }) => {
      const { extension: _extension, ...more } = kept;
      const link = {
        url: 'https://medimax.example/fhir/StructureDefinition/medimax-appointment',
        valueReference: { reference: `Appointment/${appointmentId}` },
      };
      const list = other ? (before ? [other, link] : [link, other]) : [link];
      return {
        resourceType: 'Observation',
        ...more,
        status: one,
        code: loincCode('75325-1'),
        subject,
        ...what,
        ...parts,
        ...when,
        extension: list,
      };
    });
}

/** Lifestyle or other entries of the history. */
export function entry(kind: 'lifestyle' | 'other', patientId: string): fc.Arbitrary<JsonObject> {
  const categories = fc.constant(
    kind === 'lifestyle'
      ? category('social-history')
      : { coding: [{ system: 'https://medimax.example/fhir/CodeSystem/medimax-history-type', code: 'other' }] },
  );
  const code = fc.oneof(concept, fc.constantFrom('29762-2', '11329-0', '72166-2').map(loincCode));
  const flags = some({
    severity: fc
      .constantFrom('mild', 'critical')
      .map((valueCode) => ({ url: 'https://medimax.example/fhir/StructureDefinition/medimax-severity', valueCode })),
    active: fc
      .boolean()
      .map((valueBoolean) => ({ url: 'https://medimax.example/fhir/StructureDefinition/medimax-active', valueBoolean })),
  });
  return fc
    .record({
      status,
      category: categories,
      code,
      subject: subjectOf(patientId),
      values: fc.oneof(value, noValue),
      when: fc.option(past),
      flags,
      rest,
    })
    .map(({ category: one, values, when, flags: said, rest: kept, ...always }) => {
      const { extension: others = [], ...more } = kept;
      const list = [...Object.values(said), ...(Array.isArray(others) ? others : [])];
      return {
        resourceType: 'Observation',
        ...more,
        ...always,
        category: [one],
        ...values,
        ...when,
        ...(list.length > 0 ? { extension: list } : {}),
      };
    });
}

/** Of every kind; symptoms only where there is an appointment. */
export function arbitrary(patientId: string, appointmentId?: string): fc.Arbitrary<JsonObject> {
  const others = fc.oneof({ weight: 3, arbitrary: result(patientId) }, entry('lifestyle', patientId), entry('other', patientId));
  return appointmentId === undefined ? others : fc.oneof({ weight: 3, arbitrary: others }, symptom(patientId, appointmentId));
}
