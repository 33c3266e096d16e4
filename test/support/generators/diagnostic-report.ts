/** Random valid DiagnosticReports of one patient: reports in words with attachments of all kinds, and laboratory reports. */
import fc from 'fast-check';
import type { JsonObject } from '../../../src/mapping/lift.ts';
import {
  all,
  concept,
  dateTime,
  extensions,
  instant,
  listOf,
  period,
  primitiveExtension,
  reference,
  resourceParts,
  some,
  text,
} from './pieces.ts';

const status = fc.constantFrom(
  'final',
  'final',
  'final',
  'preliminary',
  'partial',
  'registered',
  'amended',
  'corrected',
  'appended',
  'unknown',
);
const section = (...codes: readonly string[]) =>
  fc.constantFrom(...codes).map((code) => ({ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0074', code }] }));

const when: fc.Arbitrary<JsonObject> = fc.oneof(
  { weight: 3, arbitrary: dateTime.map((effectiveDateTime): JsonObject => ({ effectiveDateTime })) },
  all({ effectiveDateTime: dateTime, _effectiveDateTime: primitiveExtension }),
  period.map((effectivePeriod): JsonObject => ({ effectivePeriod })),
  instant.map((issued): JsonObject => ({ issued })),
);

const base64 = (value: string, encoding: BufferEncoding = 'utf8') => Buffer.from(value, encoding).toString('base64');
const attachment: fc.Arbitrary<JsonObject> = fc.oneof(
  all(
    {
      contentType: fc.constantFrom('text/plain', 'text/plain; charset=utf-8', 'TEXT/PLAIN;charset=UTF-8'),
      data: text(300).map((value) => base64(value)),
    },
    { title: text(), language: fc.constantFrom('en', 'de'), creation: dateTime, extension: extensions },
  ),
  fc.constantFrom('grüße', 'façade').map((value) => ({
    contentType: 'text/plain; charset=iso-8859-1',
    data: base64(value, 'latin1'),
  })),
  fc.constant({ contentType: 'text/plain', data: base64('ÿþ', 'latin1') }),
  all({ contentType: fc.constantFrom('application/pdf', 'text/html'), data: text().map((value) => base64(value)) }),
  all({ url: fc.constant('https://example.org/report.txt'), contentType: fc.constant('text/plain') }),
);

const subjectOf = (patientId: string): fc.Arbitrary<JsonObject> =>
  all({ reference: fc.constant(`Patient/${patientId}`) }, { display: text(), extension: extensions });

const rest = some({
  ...resourceParts,
  issued: instant,
  conclusion: text(300),
  _conclusion: primitiveExtension,
  conclusionCode: listOf(concept),
  presentedForm: listOf(attachment),
  encounter: reference('Encounter'),
  specimen: listOf(reference('Specimen')),
  result: listOf(reference('Observation')),
  imagingStudy: listOf(reference('ImagingStudy')),
});

const containedDoctor: JsonObject = {
  contained: [{ resourceType: 'Practitioner', id: 'reader', name: [{ family: 'Reader', given: ['Ruth'] }] }],
  resultsInterpreter: [{ reference: '#reader' }],
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
const people = fc.oneof(
  some({
    performer: listOf(reference('Practitioner', 'Organization')),
    resultsInterpreter: listOf(reference('Practitioner', 'Organization')),
    basedOn: listOf(reference('ServiceRequest', 'CarePlan')),
  }),
  fc.constantFrom(containedDoctor, containedOrder),
);

function withCategory(category: fc.Arbitrary<JsonObject>, patientId: string): fc.Arbitrary<JsonObject> {
  return fc
    .record({ status, code: concept, subject: subjectOf(patientId), when, people, rest, category })
    .map(({ when: day, people: who, rest: more, category: kind, ...always }) => ({
      resourceType: 'DiagnosticReport',
      ...more,
      ...always,
      ...day,
      ...who,
      ...kind,
    }));
}

export function report(patientId: string): fc.Arbitrary<JsonObject> {
  return withCategory(
    listOf(fc.oneof(concept, section('RAD', 'PAT', 'CUS', 'OTH'))).map((category) => ({ category })),
    patientId,
  );
}

export function labReport(patientId: string): fc.Arbitrary<JsonObject> {
  return withCategory(
    fc
      .tuple(section('LAB', 'HM', 'MB'), fc.array(concept, { maxLength: 1 }))
      .map(([one, more]) => ({ category: [one, ...more] })),
    patientId,
  );
}

export function arbitrary(patientId: string): fc.Arbitrary<JsonObject> {
  return fc.oneof(report(patientId), labReport(patientId));
}
