/** What an Observation of a result says of the Lab_Report above it: patient, day, type, facility, orderer, time of issue. */
import { dateFromColumn } from '../../src/fhir/date.ts';
import { shortText } from '../../src/mapping/pairs.ts';
import type { Pair, ParentSource } from '../../src/mapping/types.ts';
import { instantFromTimestamp } from '../grammar/timestamp.ts';
import { facilityName, ordererName } from '../lab-parties.ts';
import { shownText } from '../shown-text.ts';
import { requiredDay } from './effective.ts';
import type { Lifted } from './lifted.ts';

export const labReport: ParentSource = {
  table: 'Lab_Report',
  key: 'lab_report_id',
  foreignKey: 'lab_report_id',
  resourceType: 'DiagnosticReport',
  idPrefix: 'lr',
  shared: true,
  listedBy: 'result',
};

export const effective: Pair<Lifted> = {
  name: 'effective',
  elements: ['effective[x]'],
  columns: ['parent.lab_date'],
  toFhir({ parent }) {
    const day = dateFromColumn(String(parent?.['lab_date'] ?? ''));
    return day === undefined ? {} : { effectiveDateTime: day };
  },
  toRow: (elements, context) => ({ parent: { lab_date: requiredDay(elements, 'Observation', context) } }),
};

/** created_at is the server's: what a client says of the time of issue is kept beside it. */
export const issued: Pair<Lifted> = {
  name: 'issued',
  elements: ['issued'],
  columns: ['parent.created_at'],
  toFhir({ parent }) {
    const instant = instantFromTimestamp(parent?.['created_at']);
    return instant === undefined ? {} : { issued: instant };
  },
};

/** A facility's name is no identity: a display and no Organization. Other performers are kept. */
export const facility: Pair<Lifted> = {
  name: 'facility',
  elements: ['performer:facility', 'contained:facility'],
  columns: ['parent.lab_facility'],
  toFhir({ parent }) {
    const display = shownText(parent?.['lab_facility']);
    return display === undefined ? {} : { 'performer:facility': { type: 'Organization', display } };
  },
  toRow(elements, context) {
    const name = facilityName(elements['performer:facility'], context.resource);
    return { parent: { lab_facility: shortText(name, 255, 'Observation.performer.display', context) } };
  },
};

/** The orderer is the report's to show; here it is only written, so that results of one order lie under one report. */
export const order: Pair<Lifted> = {
  name: 'order',
  elements: ['basedOn:order', 'contained:order'],
  columns: ['parent.ordering_doctor'],
  toFhir: () => ({}),
  toRow(elements, context) {
    const doctor = ordererName(elements['basedOn:order'], context.resource);
    return { parent: { ordering_doctor: shortText(doctor, 255, 'Observation.basedOn', context) } };
  },
};
