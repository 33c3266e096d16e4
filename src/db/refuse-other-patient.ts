/** A row never changes hands: in MediMax its whole chart hangs on the patient, and history would show one patient another's record. */
import { fault } from '../fhir/outcome.ts';
import type { Columns } from '../mapping/types.ts';
import { patientKeyOf } from './relative-versions.ts';
import type { ResourceRecord } from './repository.ts';

/** @throws FhirError 422 when these columns name another patient than the record's */
export function refuseOtherPatient(current: ResourceRecord, row: Columns, parent: Columns | null): void {
  const wanted = row['patient_id'] ?? parent?.['patient_id'];
  if (wanted === undefined || wanted === null || wanted === patientKeyOf(current)) return;
  const text = `${current.resourceType}/${current.id} belongs to Patient/${current.stored?.patientId}; it cannot be given to another patient. Create it there and delete it here.`;
  throw fault('unprocessable', 'business-rule', text, `${current.resourceType}.subject`);
}
