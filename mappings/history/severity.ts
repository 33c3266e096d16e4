/** MediMax's four severities as SNOMED CT with a local coding beside, and as an extension where R4 has no element for them. */
import type { CodeableConcept, Extension } from 'fhir/r4.js';
import { warning } from '../../src/fhir/outcome.ts';
import { isObject } from '../../src/mapping/lift.ts';
import { severities } from '../../src/mapping/tables.ts';
import type { ColumnValue, Env, Pair, WriteContext } from '../../src/mapping/types.ts';
import { codeSystem, extensionUrl, isCodeSystem, isExtension } from '../local-terms.ts';
import { snomed } from '../terms/check-digits.ts';
import type { TermTables } from '../terms/term-table.ts';

export type Severity = (typeof severities)[number];

/** Severities between two of MediMax's, used by HL7's own examples, count as the worse one. */
export const severitiesBetween: ReadonlyMap<string, Severity> = new Map<string, Severity>([
  ['371923003', 'moderate'],
  ['371924009', 'severe'],
]);

export const severityDisplays: Readonly<Record<Severity, string>> = {
  mild: 'Mild',
  moderate: 'Moderate',
  severe: 'Severe',
  critical: 'Critical',
};

export type SeverityTerms = Pick<TermTables, 'severity'>;

/** undefined for NULL, '' and anything MediMax does not document. */
export function severityOf(value: unknown): Severity | undefined {
  return severities.find((severity) => severity === value);
}

/** mild 0 … critical 3. */
export function rankOf(severity: Severity): number {
  return severities.indexOf(severity);
}

/** SNOMED CT for everybody, and MediMax's own word beside it, so that the way back is exact. */
export function severityConcept(value: ColumnValue | undefined, env: Env<SeverityTerms>): CodeableConcept | undefined {
  const severity = severityOf(value);
  if (severity === undefined) return undefined;
  const coding = env.terms.severity.coding(severity);
  const local = { system: codeSystem(env, 'severity'), code: severity, display: severityDisplays[severity] };
  return { coding: coding ? [coding, local] : [local] };
}

/** NULL with a warning for a severity MediMax has no word for; refuses codings that contradict each other. */
export function severityColumn(
  concept: CodeableConcept | undefined,
  expression: string,
  context: WriteContext<SeverityTerms>,
): { readonly severity: ColumnValue } {
  if (concept === undefined) return { severity: null };
  const codings = concept.coding ?? [];
  const coded = codings.flatMap(({ system, code }) => {
    if (isCodeSystem(system, 'severity')) return severityOf(code) ?? [];
    return system === snomed ? (severityFromSnomed(code, context.env) ?? []) : [];
  });
  const said = new Set(coded);
  if (said.size > 1)
    context.refuse('value', `${expression} says ${[...said].join(' and ')} at once; change or remove one coding`, expression);
  const severity = coded[0] ?? (codings.length === 0 ? severityOf(concept.text?.trim().toLowerCase()) : undefined);
  if (severity === undefined)
    context.tell(
      warning(
        'business-rule',
        `${expression} is kept, but MediMax shows none: it knows mild, moderate, severe and critical`,
        expression,
      ),
    );
  return { severity: severity ?? null };
}

function severityFromSnomed(code: string | undefined, env: Env<SeverityTerms>): Severity | undefined {
  if (code === undefined) return undefined;
  return severitiesBetween.get(code) ?? severityOf(env.terms.severity.texts(snomed, code)[0]);
}

/** For resource types whose R4 definition has no severity. */
export const severityExtensionSlice = {
  name: 'extension:severity',
  match: (item: unknown) => isObject(item) && isExtension(String(item['url']), 'severity'),
} as const;

interface WithSeverityExtension {
  readonly 'extension:severity'?: Extension | undefined;
}

export const severityExtension: Pair<WithSeverityExtension> = {
  name: 'severity',
  elements: ['extension:severity'],
  columns: ['severity'],
  toFhir({ row }, env) {
    const severity = severityOf(row['severity']);
    return severity === undefined ? {} : { 'extension:severity': { url: extensionUrl(env, 'severity'), valueCode: severity } };
  },
  toRow({ 'extension:severity': said }, context) {
    if (said === undefined) return { row: { severity: null } };
    const severity = severityOf(said.valueCode);
    if (severity === undefined) {
      const text = `The extension ${said.url} must have a valueCode mild, moderate, severe or critical`;
      context.refuse('code-invalid', text, `${context.resource.resourceType}.extension`);
    }
    return { row: { severity: severity ?? null } };
  },
};
