/** clinicalStatus and verificationStatus (and what con-4 ties to them) ↔ is_active. */
import type { CodeableConcept } from 'fhir/r4.js';
import { warning } from '../../src/fhir/outcome.ts';
import { codeTable } from '../../src/mapping/code-table.ts';
import type { ColumnValue, Pair, WriteContext } from '../../src/mapping/types.ts';

interface WithStatus {
  readonly clinicalStatus?: CodeableConcept | undefined;
  readonly verificationStatus?: CodeableConcept | undefined;
}

/** '1' and '0' are the flag's values; the first code of each is what the flag alone reads as. */
export const conditionClinical = codeTable([
  ['1', 'active'],
  ['0', 'inactive'],
  ['1', 'recurrence'],
  ['1', 'relapse'],
  ['0', 'remission'],
  ['0', 'resolved'],
]);

export const allergyClinical = codeTable([
  ['1', 'active'],
  ['0', 'inactive'],
  ['0', 'resolved'],
]);

export interface ClinicalStatusOptions {
  readonly resourceType: string;
  readonly codes: typeof conditionClinical | typeof allergyClinical;
  readonly clinicalSystem: string;
  readonly verificationSystem: string;
  /** Elements that would be untrue or invalid beside another status (abatement[x], con-4). */
  readonly alongside: readonly string[];
}

/** NULL reads as active: MediMax's own default, and the safer mistake. */
export function isActive(flag: ColumnValue | undefined): boolean {
  return flag === null || flag === undefined || Number(flag) !== 0;
}

/**
 * One pair, because they belong together: when MediMax takes a refuted entry up again, what a client said of its verification has to go
 * with it.
 */
export function clinicalStatus(options: ClinicalStatusOptions): Pair<WithStatus> {
  return {
    name: 'clinicalStatus',
    elements: ['clinicalStatus', 'verificationStatus', ...options.alongside],
    columns: ['is_active'],
    toFhir: ({ row }) => ({
      clinicalStatus: { coding: [{ system: options.clinicalSystem, code: isActive(row['is_active']) ? 'active' : 'inactive' }] },
    }),
    toRow: (elements, context) => ({ row: { is_active: activeColumn(elements, options, context) } }),
  };
}

function activeColumn(elements: WithStatus, options: ClinicalStatusOptions, context: WriteContext): number | null {
  const { resourceType, codes, clinicalSystem, verificationSystem } = options;
  const verification = codeIn(elements.verificationStatus, verificationSystem);
  if (verification === 'refuted') {
    const text = 'MediMax cannot say refuted: it goes on showing the entry, as inactive';
    context.tell(warning('business-rule', text, `${resourceType}.verificationStatus`));
    return 0;
  }
  if (verification !== undefined && verification !== 'confirmed') {
    const text = `MediMax cannot show doubt: there the entry reads like a confirmed one, not as ${verification}`;
    context.tell(warning('business-rule', text, `${resourceType}.verificationStatus`));
  }
  if (elements.clinicalStatus === undefined) return null;
  const flag = codes.toRow(codeIn(elements.clinicalStatus, clinicalSystem));
  if (flag === undefined) {
    const accepted = codes.rows.map(([, code]) => code).join(', ');
    const expression = `${resourceType}.clinicalStatus`;
    context.refuse('code-invalid', `${expression} must have a coding of ${clinicalSystem}: ${accepted}`, expression);
    return null;
  }
  return Number(flag);
}

/** An entry made in error: MediMax would go on showing it, so it has no row. */
export function isInError({ verificationStatus }: WithStatus, verificationSystem: string): boolean {
  return codeIn(verificationStatus, verificationSystem) === 'entered-in-error';
}

/** The concept's code in this code system. */
export function codeIn(concept: CodeableConcept | undefined, system: string): string | undefined {
  return concept?.coding?.find((coding) => coding.system === system)?.code;
}
