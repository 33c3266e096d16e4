/** DiagnosticReport ↔ Report and Lab_Report: the rules one by one, then the laws over random rows and resources. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { diagnosticReport } from '../../mappings/diagnostic-report.ts';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import { renderContent } from '../../src/mapping/render.ts';
import type { ColumnValue, Stored } from '../../src/mapping/types.ts';
import { labReport as anyLabReport, report as anyReport } from '../support/generators/diagnostic-report.ts';
import { readRow, testEnv, variantOf, writeResource } from '../support/lens.ts';
import { assertValid } from '../support/mapping-laws.ts';
import { mappingLaws } from '../support/mapping-suite.ts';

const env = testEnv(loadTermTables());
const report = variantOf(diagnosticReport, 'Report');
const labReport = variantOf(diagnosticReport, 'Lab_Report');

const reportRow = {
  report_id: 2,
  patient_id: 1,
  report_type: 'Chest X-Ray',
  report_date: '2026-11-01',
  complete_report: 'Lungs clear.\nHeart größe normal.',
  report_summary: 'Normal',
  doctor_name: 'Dr. Reader',
  created_at: '2026-11-02 08:00:00',
  updated_at: '2026-11-02 08:00:00',
};
const labRow = {
  lab_report_id: 5,
  patient_id: 1,
  lab_date: '2026-11-01',
  lab_type: 'Complete Blood Count',
  ordering_doctor: 'Dr. Order',
  lab_facility: 'Central Lab',
  created_at: '2026-11-02 08:00:00',
  updated_at: '2026-11-02 08:00:00',
};
const stored = (row: Record<string, ColumnValue>): Stored => ({
  row,
  parent: null,
  children: [],
  patientId: 'pt-1',
  parentId: null,
});

const v2 = 'http://terminology.hl7.org/CodeSystem/v2-0074';
const sent = {
  resourceType: 'DiagnosticReport',
  status: 'final',
  category: [{ coding: [{ system: v2, code: 'RAD' }] }],
  code: { text: 'Chest X-Ray' },
  subject: { reference: 'Patient/pt-1' },
  effectiveDateTime: '2026-11-01T23:30:00-05:00',
};
const rowOf = (resource: JsonObject, variant = report) => writeResource(variant, resource, env).plan.row;

function refusals(resource: JsonObject): string[] {
  try {
    rowOf(resource);
  } catch (fault) {
    assert.ok(fault instanceof FhirError);
    return fault.issues
      .filter(({ severity }) => severity === 'error')
      .map(({ code, expression }) => `${code} ${expression?.[0]}`);
  }
  return [];
}

describe('reading a Report row', () => {
  test('says every column', () => {
    const read = readRow(report, stored(reportRow), env);
    assert.deepEqual(read, {
      resourceType: 'DiagnosticReport',
      status: 'final',
      code: { text: 'Chest X-Ray' },
      category: [
        {
          coding: [
            { system: v2, code: 'RAD', display: 'Radiology' },
            { system: 'http://loinc.org', code: 'LP29684-5', display: 'Radiology' },
          ],
        },
      ],
      subject: { reference: 'Patient/pt-1' },
      effectiveDateTime: '2026-11-01',
      issued: '2026-11-02T08:00:00Z',
      resultsInterpreter: [{ type: 'Practitioner', display: 'Dr. Reader' }],
      conclusion: 'Normal',
      presentedForm: [
        {
          contentType: 'text/plain; charset=utf-8',
          data: Buffer.from(reportRow.complete_report).toString('base64'),
          size: 34,
          hash: 'tuYYAlBb47nljGA3qu1OEByUJJY=',
          title: 'Complete report',
        },
      ],
    });
    assertValid(read);
  });

  test('a type that no table knows is in the section OTH', () => {
    assert.match(JSON.stringify(readRow(report, stored({ ...reportRow, report_type: 'Discharge letter' }), env)), /"code":"OTH"/);
  });
});

describe('reading a Lab_Report row', () => {
  test('says its own columns', () => {
    const read = readRow(labReport, stored(labRow), env);
    assert.deepEqual(read, {
      resourceType: 'DiagnosticReport',
      contained: [
        {
          resourceType: 'ServiceRequest',
          id: 'medimax-order',
          status: 'unknown',
          intent: 'order',
          subject: { reference: 'Patient/pt-1' },
          requester: { type: 'Practitioner', display: 'Dr. Order' },
        },
      ],
      basedOn: [{ reference: '#medimax-order' }],
      status: 'final',
      category: [{ coding: [{ system: v2, code: 'LAB', display: 'Laboratory' }] }],
      code: { text: 'Complete Blood Count' },
      subject: { reference: 'Patient/pt-1' },
      effectiveDateTime: '2026-11-01',
      issued: '2026-11-02T08:00:00Z',
      performer: [{ type: 'Organization', display: 'Central Lab' }],
    });
    assertValid(read);
  });
});

describe('writing a DiagnosticReport', () => {
  test('names every column; what is absent is NULL', () => {
    assert.deepEqual(rowOf(sent), {
      patient_id: 1,
      report_type: 'Chest X-Ray',
      report_date: '2026-11-01',
      complete_report: null,
      report_summary: null,
      doctor_name: null,
      created_at: '2026-11-23 10:00:00',
      updated_at: '2026-11-23 10:00:00',
    });
  });

  test('the first plain text goes into the column, in its own charset; base64 never does', () => {
    const reportOf = (...presentedForm: JsonObject[]) => rowOf({ ...sent, presentedForm })['complete_report'];
    const pdf = { contentType: 'application/pdf', data: 'JVBERg==' };
    assert.equal(reportOf(pdf, { contentType: 'text/plain', data: Buffer.from('größe').toString('base64') }), 'größe');
    const latin = { contentType: 'text/plain; charset=ISO-8859-1', data: Buffer.from('größe', 'latin1').toString('base64') };
    assert.equal(reportOf(latin), 'größe');
    assert.equal(reportOf(pdf), null);
    assert.equal(reportOf({ contentType: 'text/plain', data: Buffer.from('größe', 'latin1').toString('base64') }), null);
    assert.equal(reportOf({ contentType: 'text/plain', url: 'https://example.org/x' }), null);
  });

  test('the first person among the interpreters is the doctor, a contained one by name', () => {
    const doctorOf = (resultsInterpreter: JsonObject[], more = {}) =>
      rowOf({ ...sent, resultsInterpreter, ...more })['doctor_name'];
    const group = { reference: 'Organization/1', display: 'Readers Ltd' };
    assert.equal(doctorOf([group, { reference: 'Practitioner/1', display: 'Dr. One' }]), 'Dr. One');
    assert.equal(doctorOf([group]), null);
    const contained = [{ resourceType: 'Practitioner', id: 'r', name: [{ text: 'Ruth Reader' }] }];
    assert.equal(doctorOf([{ reference: '#r' }], { contained }), 'Ruth Reader');
  });

  test('the columns of a laboratory report', () => {
    const resource = {
      ...sent,
      category: [{ coding: [{ system: v2, code: 'HM' }] }],
      contained: [{ resourceType: 'ServiceRequest', id: 'o', requester: { display: 'Dr. Order' } }],
      basedOn: [{ reference: '#o' }],
      performer: [
        { reference: 'Practitioner/1', display: 'Dr. No' },
        { reference: 'Organization/1', display: 'Central Lab' },
      ],
      resultsInterpreter: [{ display: 'Dr. Reader' }],
    };
    const row = rowOf(resource, labReport);
    assert.deepEqual(
      [row['lab_type'], row['lab_date'], row['ordering_doctor'], row['lab_facility']],
      ['Chest X-Ray', '2026-11-01', 'Dr. Order', 'Central Lab'],
    );
  });

  test('refusals name the element', () => {
    const { effectiveDateTime: _effective, ...undated } = sent;
    assert.deepEqual(refusals(undated), ['required DiagnosticReport.effective']);
    const data = Buffer.alloc(65_536, 'x').toString('base64');
    const long = { ...sent, code: { text: 'x'.repeat(101) }, presentedForm: [{ contentType: 'text/plain', data }] };
    assert.deepEqual(refusals(long), ['too-long DiagnosticReport.code', 'too-long DiagnosticReport.presentedForm.data']);
  });
});

describe('which row keeps a DiagnosticReport', () => {
  const kind = (changes: JsonObject) => diagnosticReport.choose?.({ ...sent, ...changes } as never);
  test('by category, else by what it holds', () => {
    assert.equal(kind({}), 'Report');
    assert.equal(kind({ category: [{ coding: [{ system: v2, code: 'LAB' }] }] }), 'Lab_Report');
    assert.equal(kind({ category: undefined, result: [{ reference: 'Observation/1' }] }), 'Lab_Report');
    assert.equal(kind({ category: undefined, result: [{ reference: 'Observation/1' }], conclusion: 'x' }), 'Report');
    assert.equal(kind({ category: undefined }), 'Report');
  });
});

describe('the laws', () => {
  mappingLaws({ variant: report, env, resources: anyReport('pt-1'), acceptedMin: 0.95 });
  mappingLaws({ variant: labReport, env, resources: anyLabReport('pt-1'), acceptedMin: 0.95 });
});

describe('contained resources when MediMax changes who ordered the report', () => {
  const order = {
    resourceType: 'ServiceRequest',
    id: 'sr',
    status: 'active',
    intent: 'order',
    subject: { reference: 'Patient/pt-1' },
  };
  const doctor = { resourceType: 'Practitioner', id: 'doc', name: [{ text: 'Dr. Ordering' }] };
  const ordered = {
    ...sent,
    category: [{ coding: [{ system: v2, code: 'LAB' }] }],
    basedOn: [{ reference: '#sr' }],
    contained: [{ ...order, requester: { reference: '#doc', display: 'Dr. Ordering' } }, doctor],
  };
  const changed = (resource: JsonObject): JsonObject => {
    const { stored: rows, overlay, refined, read } = writeResource(labReport, resource, env);
    assert.deepEqual(read()['contained' as never], resource['contained']);
    const now = { ...rows, row: { ...rows.row, ordering_doctor: 'Dr. Other' } };
    const content = { resourceType: 'DiagnosticReport', ...renderContent(labReport, now, overlay, refined, env) };
    assertValid(content);
    return content;
  };
  const idsIn = ({ contained }: JsonObject) => (contained as { id: string }[]).map(({ id }) => id);

  test('what only the old order referred to goes with it', () => {
    assert.deepEqual(idsIn(changed(ordered)), ['medimax-order']);
  });

  test('what others refer to stays', () => {
    assert.deepEqual(idsIn(changed({ ...ordered, resultsInterpreter: [{ reference: '#doc' }] })), ['medimax-order', 'doc']);
  });

  test('the old order stays where something else speaks of it, with all that it refers to', () => {
    const extension = [{ url: 'http://example.org/about', valueReference: { reference: '#sr' } }];
    assert.deepEqual(idsIn(changed({ ...ordered, extension })).toSorted(), ['doc', 'medimax-order', 'sr']);
  });
});
