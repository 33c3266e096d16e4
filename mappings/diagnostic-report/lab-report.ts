/** A laboratory report: DiagnosticReport ↔ a Lab_Report row and the list of its findings, which are Observations of their own. */
import type { DiagnosticReport } from 'fhir/r4.js';
import { conceptText, patientReference, shortText } from '../../src/mapping/pairs.ts';
import type { Pair, Variant } from '../../src/mapping/types.ts';
import { facilityName, labPartySlices, ordererName } from '../lab-parties.ts';
import { unknownConcept } from '../local-terms.ts';
import { checkStatus } from '../observation/status.ts';
import { shownText } from '../shown-text.ts';
import type { TermTables } from '../terms/term-table.ts';
import { checkKind, type Lifted, serviceSystem } from './lifted.ts';
import { effective, issued, statusOf } from './parts.ts';
import { findings, result } from './result.ts';

/** Whatever the type of the report, it is laboratory. */
const category: Pair<Lifted> = {
  name: 'category',
  elements: ['category'],
  columns: [],
  toFhir: () => ({ category: [{ coding: [{ system: serviceSystem, code: 'LAB', display: 'Laboratory' }] }] }),
};

const code: Pair<Lifted> = {
  name: 'code',
  elements: ['code'],
  columns: ['lab_type'],
  toFhir({ row }) {
    const text = shownText(row['lab_type']);
    return { code: text === undefined ? unknownConcept : { text } };
  },
  toRow(elements, context) {
    const expression = 'DiagnosticReport.code';
    const text = conceptText(elements.code);
    if (text === undefined) {
      const needed = `${expression} must have a text, or a coding with a display or code: MediMax keeps no report without a type`;
      context.refuse('required', needed, expression);
    }
    return { row: { lab_type: shortText(text, 255, expression, context) } };
  },
};

const orderId = 'medimax-order';

/** R4 has no orderer in a report: a contained order says it. The interpreter of results is somebody else. */
const order: Pair<Lifted> = {
  name: 'order',
  elements: ['basedOn:order', 'contained:order'],
  columns: ['ordering_doctor'],
  toFhir({ row, patientId }) {
    const display = shownText(row['ordering_doctor']);
    if (display === undefined || patientId === null) return {};
    return {
      'basedOn:order': { reference: `#${orderId}` },
      'contained:order': {
        resourceType: 'ServiceRequest',
        id: orderId,
        status: 'unknown',
        intent: 'order',
        subject: { reference: `Patient/${patientId}` },
        requester: { type: 'Practitioner', display },
      },
    };
  },
  toRow(elements, context) {
    const doctor = ordererName(elements['basedOn:order'], context.resource);
    return { row: { ordering_doctor: shortText(doctor, 255, 'DiagnosticReport.basedOn', context) } };
  },
};

const facility: Pair<Lifted> = {
  name: 'facility',
  elements: ['performer:facility', 'contained:facility'],
  columns: ['lab_facility'],
  toFhir({ row }) {
    const display = shownText(row['lab_facility']);
    return display === undefined ? {} : { 'performer:facility': { type: 'Organization', display } };
  },
  toRow(elements, context) {
    const name = facilityName(elements['performer:facility'], context.resource);
    return { row: { lab_facility: shortText(name, 255, 'DiagnosticReport.performer.display', context) } };
  },
};

export const labReport: Variant<Lifted, TermTables> = {
  name: 'Lab_Report',
  source: { table: 'Lab_Report', key: 'lab_report_id', idPrefix: 'lr', patient: 'row', child: findings },
  slices: labPartySlices,
  pairs: [
    statusOf(['lab_type']),
    category,
    code,
    patientReference<Lifted>('DiagnosticReport', 'subject'),
    effective('lab_date'),
    issued,
    order,
    facility,
    result,
  ],
  check(resource: DiagnosticReport, context) {
    checkKind('Lab_Report', resource, context);
    checkStatus(resource.status, 'DiagnosticReport', context);
  },
};
