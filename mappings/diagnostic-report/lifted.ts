/** DiagnosticReport with the items that pairs own on their own as keys, and which kind of row keeps it. */
import type { Attachment, DiagnosticReport, FhirResource, Reference } from 'fhir/r4.js';
import type { WriteContext } from '../../src/mapping/types.ts';

export type Lifted = DiagnosticReport & {
  readonly 'presentedForm:text'?: Attachment | undefined;
  readonly 'resultsInterpreter:doctor'?: Reference | undefined;
  readonly 'contained:doctor'?: FhirResource | undefined;
  readonly 'performer:facility'?: Reference | undefined;
  readonly 'contained:facility'?: FhirResource | undefined;
  readonly 'basedOn:order'?: Reference | undefined;
  readonly 'contained:order'?: FhirResource | undefined;
};

export type Kind = 'Report' | 'Lab_Report';

/** HL7 table 0074, diagnostic service sections. */
export const serviceSystem = 'http://terminology.hl7.org/CodeSystem/v2-0074';
const laboratory: readonly unknown[] = ['LAB', 'CH', 'HM', 'MB', 'MCB', 'MYC', 'VR', 'SR', 'IMM', 'BLB', 'BG', 'TX', 'URN'];

/** Laboratory by its category; without one, by holding results and no words of its own. */
export function kindOf({ category, result, presentedForm, conclusion }: DiagnosticReport): Kind {
  const sections = category?.flatMap(({ coding }) => coding ?? []).filter(({ system }) => system === serviceSystem) ?? [];
  if (sections.some(({ code }) => laboratory.includes(code))) return 'Lab_Report';
  if (category?.length) return 'Report';
  return result?.length && !presentedForm?.length && conclusion === undefined ? 'Lab_Report' : 'Report';
}

/** A row cannot become a row of another table. What MediMax calls its rows decides where the category says nothing. */
export function checkKind(kind: Kind, resource: DiagnosticReport, context: WriteContext): void {
  if (context.current === null || !resource.category?.length || kindOf(resource) === kind) return;
  const [is, wanted] = kind === 'Report' ? ['general', 'laboratory'] : ['laboratory', 'general'];
  const expression = 'DiagnosticReport.category';
  const text = `This DiagnosticReport is kept as a ${is} report and cannot become a ${wanted} one; delete it and create a new one`;
  context.refuse('business-rule', text, expression);
}
