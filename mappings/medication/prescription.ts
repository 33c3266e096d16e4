/** A contained MedicationRequest, the order that basedOn names, ↔ prescribed_by. A doctor's name is no identity: it is a display only. */
import type { FhirResource, MedicationRequest, MedicationStatement, Reference } from 'fhir/r4.js';
import { isObject } from '../../src/mapping/lift.ts';
import { shortText } from '../../src/mapping/pairs.ts';
import type { Pair, Slice } from '../../src/mapping/types.ts';
import { nameFromFhir } from '../grammar/human-name.ts';
import { containedTarget, isContainedFor } from '../reference.ts';
import { shownText } from '../shown-text.ts';
import type { TermTables } from '../terms/term-table.ts';
import { medicineConcept } from './name.ts';

/** Id of the order that the gateway contains. */
export const prescriptionId = 'medimax-prescription';

interface WithOrder {
  readonly 'contained:order'?: Partial<MedicationRequest> | undefined;
  readonly 'contained:prescriber'?: FhirResource | undefined;
  readonly 'basedOn:order'?: Reference | undefined;
}

/** The first order in basedOn that names its requester: one without a name says nothing that MediMax could keep, and is kept beside. */
function orderOf(resource: unknown): MedicationRequest | undefined {
  if (!isObject(resource)) return undefined;
  for (const reference of (resource as Partial<MedicationStatement>).basedOn ?? []) {
    const order = containedTarget(reference.reference, resource);
    if (order?.resourceType !== 'MedicationRequest' || !isContainedFor(order, reference, resource)) continue;
    if (order.id === prescriptionId || requesterName(order.requester, resource) !== undefined) return order;
  }
  return undefined;
}

function requesterName(requester: Reference | undefined, resource: unknown): string | undefined {
  if (requester?.display !== undefined) return requester.display;
  const target = containedTarget(requester?.reference, resource);
  if (target?.resourceType === 'Organization') return target.name;
  if (target?.resourceType !== 'Practitioner') return undefined;
  const name = nameFromFhir(target.name);
  return typeof name === 'string' ? name : undefined;
}

export const prescriptionSlices: readonly Slice[] = [
  {
    name: 'contained:order',
    match: (item, _index, resource) => isObject(item) && item['id'] !== undefined && item['id'] === orderOf(resource)?.id,
  },
  {
    name: 'contained:prescriber',
    match: (item, _index, resource) => isContainedFor(item, orderOf(resource)?.requester, resource),
  },
  {
    name: 'basedOn:order',
    match(item, _index, resource) {
      const order = orderOf(resource);
      return order !== undefined && isObject(item) && item['reference'] === `#${order.id}`;
    },
  },
];

/**
 * The order as a whole is a statement about the medicine and the patient too, and goes stale with them. Read only: the name of the
 * requester is written by the pair after it, which keeps what a client said of the requester until the name itself changes.
 */
export const order: Pair<WithOrder, TermTables> = {
  name: 'order',
  elements: ['contained:order', 'basedOn:order'],
  columns: ['prescribed_by', 'medicine_name', 'patient_id'],
  toFhir({ row, patientId }, env) {
    const display = shownText(row['prescribed_by']);
    if (display === undefined || patientId === null) return {};
    return {
      'contained:order': {
        resourceType: 'MedicationRequest',
        id: prescriptionId,
        status: 'unknown',
        intent: 'order',
        medicationCodeableConcept: medicineConcept(row['medicine_name'], env),
        subject: { reference: `Patient/${patientId}` },
        requester: { type: 'Practitioner', display },
      },
      'basedOn:order': { reference: `#${prescriptionId}` },
    };
  },
};

export const prescriber: Pair<WithOrder> = {
  name: 'prescriber',
  elements: ['contained:order.requester', 'contained:prescriber'],
  columns: ['prescribed_by'],
  toFhir({ row }) {
    const display = shownText(row['prescribed_by']);
    return display === undefined ? {} : { 'contained:order': { requester: { type: 'Practitioner', display } } };
  },
  toRow(_elements, context) {
    const sent = orderOf(context.resource);
    if (sent === undefined) return { row: { prescribed_by: null } };
    const name = requesterName(sent.requester, context.resource);
    const expression = 'MedicationStatement.contained.requester';
    if (name === undefined)
      context.refuse(
        'required',
        `The contained order ${prescriptionId} must show who prescribed: give requester.display`,
        expression,
      );
    return { row: { prescribed_by: shortText(name, 255, expression, context) } };
  },
};
