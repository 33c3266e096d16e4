/** MedicationRequest: a read-only view of MedicationStatement, for clients that read medications only there. See docs/decisions. */
import type { MedicationRequest, MedicationStatement, Meta, Reference, Resource } from 'fhir/r4.js';
import { codeTable } from '../src/mapping/code-table.ts';
import { defineView } from '../src/mapping/view.ts';
import { containedTarget } from './reference.ts';

/** MedicationStatement.status to MedicationRequest.status. What was stopped before it was taken is a stopped order. */
export const requestStatus = codeTable([
  ['active', 'active'],
  ['intended', 'active'],
  ['on-hold', 'on-hold'],
  ['completed', 'completed'],
  ['stopped', 'stopped'],
  ['not-taken', 'stopped'],
  ['entered-in-error', 'entered-in-error'],
  ['unknown', 'unknown'],
]);

export const medicationRequest = defineView<MedicationStatement, MedicationRequest>({
  resourceType: 'MedicationRequest',
  view: true,
  of: 'MedicationStatement',
  documentation:
    'A read-only view of MedicationStatement: each shows the MedicationStatement of the same id and version as the order it stands for. Write the MedicationStatement.',
  search: {
    _id: { as: '_id' },
    _lastUpdated: { as: '_lastUpdated' },
    patient: { as: 'patient' },
    subject: { as: 'subject' },
    code: { as: 'code' },
    medication: { as: 'medication' },
    status: {
      as: 'status',
      system: 'http://hl7.org/fhir/CodeSystem/medicationrequest-status',
      codes: requestStatus,
      viewedSystem: 'http://hl7.org/fhir/CodeSystem/medication-statement-status',
    },
    intent: { always: 'order', system: 'http://hl7.org/fhir/CodeSystem/medicationrequest-intent' },
  },
  toFhir: requestOf,
});

/** A row of Medication was prescribed: the intent is an order, whatever else a contained order of a client's may say. */
function requestOf(statement: MedicationStatement): MedicationRequest {
  const order = orderOf(statement);
  const { effectivePeriod, effectiveDateTime, context } = statement;
  const request: MedicationRequest = {
    resourceType: 'MedicationRequest',
    ...present('id', statement.id),
    ...present('meta', metaOf(statement.meta)),
    ...present('implicitRules', statement.implicitRules),
    ...present('language', statement.language),
    ...present('modifierExtension', statement.modifierExtension),
    status: requestStatus.toFhir(statement.status) ?? 'unknown',
    ...present('statusReason', statement.statusReason?.[0]),
    intent: 'order',
    ...present('medicationCodeableConcept', statement.medicationCodeableConcept),
    ...present('medicationReference', statement.medicationReference),
    subject: statement.subject,
    ...present('encounter', isEncounter(context) ? context : undefined),
    ...present('authoredOn', order?.authoredOn ?? effectivePeriod?.start ?? effectiveDateTime),
    ...present('requester', order?.requester),
    ...present('reasonCode', statement.reasonCode),
    ...present('reasonReference', nonEmpty(statement.reasonReference?.filter((reason) => !isReport(reason)))),
    ...present('note', statement.note),
    ...present('dosageInstruction', statement.dosage),
  };
  const contained = containedIn(request, statement.contained ?? [], order);
  return contained.length > 0 ? { ...request, contained } : request;
}

/** The order that basedOn contains: the gateway's own for prescribed_by, or a client's. */
function orderOf(statement: MedicationStatement): MedicationRequest | undefined {
  const targets = (statement.basedOn ?? []).map(({ reference }) => containedTarget(reference, statement));
  return targets.find((target) => target?.resourceType === 'MedicationRequest');
}

/** Profiles are the viewed type's; labels hold for whatever shows the content. */
function metaOf(meta: Meta | undefined): Meta | undefined {
  if (meta === undefined) return undefined;
  const { profile: _profile, ...kept } = meta;
  return Object.keys(kept).length > 0 ? kept : undefined;
}

/** What is contained and still referred to, directly or by what else is. */
function containedIn(
  request: MedicationRequest,
  contained: readonly Resource[],
  order: MedicationRequest | undefined,
): Resource[] {
  const others = contained.filter((one) => one !== order);
  const kept = new Set<Resource>();
  for (let text = JSON.stringify(request); ; ) {
    const found = others.filter((one) => !kept.has(one) && text.includes(`"#${one.id}"`));
    if (found.length === 0) return others.filter((one) => kept.has(one));
    for (const one of found) kept.add(one);
    text = JSON.stringify(found);
  }
}

function isEncounter(reference: Reference | undefined): boolean {
  return reference?.type === 'Encounter' || /(^|\/)Encounter\/[^/]+$/.test(reference?.reference ?? '');
}

/** R4 allows no DiagnosticReport as the reason of a request. */
function isReport(reference: Reference): boolean {
  return reference.type === 'DiagnosticReport' || /(^|\/)DiagnosticReport\//.test(reference.reference ?? '');
}

function nonEmpty<Item>(list: Item[] | undefined): Item[] | undefined {
  return list !== undefined && list.length > 0 ? list : undefined;
}

function present<Key extends keyof MedicationRequest>(
  key: Key,
  value: MedicationRequest[Key] | undefined,
): { readonly [Name in Key]?: MedicationRequest[Key] } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [Name in Key]?: MedicationRequest[Key] }; // marked place: a computed key
}
