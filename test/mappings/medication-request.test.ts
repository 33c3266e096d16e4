/** MedicationRequest is what MedicationStatement says, as an order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FhirResource, MedicationStatement } from 'fhir/r4.js';
import { medicationRequest } from '../../mappings/medication-request.ts';
import { medicationStatement } from '../../mappings/medication-statement.ts';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import { parseJson, stringifyJson } from '../../src/fhir/json.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import { validate } from '../../src/fhir/validate.ts';
import { createGatewayRegistry } from '../../src/gateway.ts';
import { lawCases } from '../support/law-cases.ts';
import { readRow, testEnv, variantOf, writeResource } from '../support/lens.ts';

const env = testEnv(loadTermTables());
const variant = variantOf(medicationStatement);

const contained: FhirResource[] = [
  {
    resourceType: 'MedicationRequest',
    id: 'order',
    status: 'unknown',
    intent: 'order',
    subject: { reference: 'Patient/pt-1' },
    requester: { reference: '#doctor' },
  },
  { resourceType: 'Practitioner', id: 'doctor', name: [{ text: 'Dr. A' }] },
  { resourceType: 'Medication', id: 'unrelated' },
];

const statement: MedicationStatement = {
  resourceType: 'MedicationStatement',
  id: 'md-1',
  meta: { versionId: '3', profile: ['http://example.org/statement'], security: [{ code: 'R' }] },
  contained,
  basedOn: [{ reference: '#order' }],
  status: 'intended',
  statusReason: [{ text: 'first' }, { text: 'second' }],
  medicationCodeableConcept: { text: 'Aspirin' },
  subject: { reference: 'Patient/pt-1' },
  effectivePeriod: { start: '2026-01-02' },
  reasonReference: [{ reference: 'Condition/c' }, { reference: 'DiagnosticReport/d' }],
  dosage: [{ text: 'one a day' }],
};

test('each element comes from the statement or from the order it contains', () => {
  assert.deepEqual(medicationRequest.toFhir(statement), {
    resourceType: 'MedicationRequest',
    id: 'md-1',
    meta: { versionId: '3', security: [{ code: 'R' }] },
    status: 'active',
    statusReason: { text: 'first' },
    intent: 'order',
    medicationCodeableConcept: { text: 'Aspirin' },
    subject: { reference: 'Patient/pt-1' },
    authoredOn: '2026-01-02',
    requester: { reference: '#doctor' },
    reasonReference: [{ reference: 'Condition/c' }],
    dosageInstruction: [{ text: 'one a day' }],
    contained: contained.slice(1, 2),
  });
});

test('it is no type of the registry: it has no rows, no triggers, no index', () => {
  assert.equal(createGatewayRegistry().get('MedicationRequest'), undefined);
});

test('whatever MedicationStatement says, the view of it is valid', () => {
  const { resources } = lawCases['MedicationStatement/MedicationStatement'] ?? assert.fail();
  fc.assert(
    fc.property(resources('pt-1', ''), (resource) => {
      const sent = parseJson(stringifyJson(resource)) as typeof resource;
      let served: object;
      try {
        served = writeResource(variant, sent, env).read();
      } catch (refused) {
        assert.ok(refused instanceof FhirError);
        return;
      }
      if (validate(served, 'MedicationStatement').some(({ severity }) => severity === 'error')) return;
      const view = medicationRequest.toFhir(served as MedicationStatement);
      assert.deepEqual(
        validate(view, 'MedicationRequest').filter(({ severity }) => severity === 'error'),
        [],
        stringifyJson(view),
      );
    }),
    { numRuns: 300 },
  );
});

test("MediMax's own row has its prescriber", () => {
  const row = {
    medication_id: 1,
    patient_id: 1,
    medicine_name: 'Aspirin',
    is_continued: 1,
    prescribed_date: '2026-01-02',
    discontinued_date: null,
    dosage: null,
    frequency: null,
    prescribed_by: 'Dr. B',
  };
  const read = readRow(variant, { row, parent: null, children: [], patientId: 'pt-1', parentId: null }, env);
  const view = medicationRequest.toFhir(read as unknown as MedicationStatement);
  assert.deepEqual(view.requester, { type: 'Practitioner', display: 'Dr. B' });
  assert.equal(view.contained, undefined);
});
