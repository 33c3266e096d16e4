/**
 * AllergyIntolerance.reaction and criticality ↔ severity. The column takes the worst reaction; it shows at the first.
 * What a client said of manifestations, other reactions and criticality is no statement about the column and outlives its changes.
 */
import type { AllergyIntolerance, AllergyIntoleranceReaction } from 'fhir/r4.js';
import { codeTable } from '../../src/mapping/code-table.ts';
import type { Columns, ColumnValue, Env, Pair, WriteContext } from '../../src/mapping/types.ts';
import { extensionUrl, isExtension, unknownConcept } from '../local-terms.ts';
import { rankOf, type Severity, severityOf } from './severity.ts';

interface WithReactions {
  readonly 'reaction:first'?: Partial<AllergyIntoleranceReaction> | undefined;
  readonly reaction?: AllergyIntoleranceReaction[] | undefined;
  readonly criticality?: AllergyIntolerance['criticality'];
}

export const firstReaction = { name: 'reaction:first', match: (_item: unknown, index: number) => index === 0 } as const;

/** R4 knows no critical: it is a severe one with the extension beside. */
export const reactionSeverity = codeTable([
  ['mild', 'mild'],
  ['moderate', 'moderate'],
  ['severe', 'severe'],
  ['critical', 'severe'],
]);

/** 'mild' is the column's default: nobody may have said it, and "mild" on an allergy is dangerous to make up. */
function shownSeverity({ severity: value }: Columns, env: Env): Severity | undefined {
  const severity = severityOf(value);
  return severity === 'mild' && !env.showDefaultAllergySeverity ? undefined : severity;
}

/** It owns the other reactions too, so that a change of theirs asks for the worst again; the pair after it keeps them. */
const severity: Pair<WithReactions> = {
  name: 'severity',
  elements: ['reaction:first.severity', 'reaction'],
  columns: ['severity'],
  toFhir({ row }, env) {
    const shown = shownSeverity(row, env);
    if (shown === undefined) return {};
    const code = reactionSeverity.toFhir(shown) ?? 'severe';
    if (code === shown) return { 'reaction:first': { severity: code } };
    const exact = { extension: [{ url: extensionUrl(env, 'severity'), valueCode: 'critical' }] };
    return { 'reaction:first': { severity: code, _severity: exact } };
  },
  toRow: (_elements, context) => ({ row: { severity: severityColumn(context) } }),
};

function severityColumn({ resource, current, env }: WriteContext): ColumnValue {
  const reactions = resource.resourceType === 'AllergyIntolerance' ? (resource as AllergyIntolerance).reaction : undefined; // marked place
  const said = (reactions ?? []).map(severityOfReaction).filter((one) => one !== undefined);
  const worst = said.toSorted((a, b) => rankOf(b) - rankOf(a))[0];
  // A default that is not shown is not taken away by a client that could not see it.
  if (current && worst === shownSeverity(current.row, env)) return current.row['severity'] ?? null;
  return worst ?? null;
}

function severityOfReaction({ severity, _severity }: AllergyIntoleranceReaction): Severity | undefined {
  const exact = _severity?.extension?.find(({ url }) => isExtension(url, 'severity'))?.valueCode;
  return severity === 'severe' && exact === 'critical' ? 'critical' : reactionSeverity.toRow(severity);
}

const otherReactions: Pair<WithReactions> = { name: 'reaction', elements: ['reaction'], columns: [], toFhir: () => ({}) };

/**
 * All of the first reaction but its severity. manifestation is mandatory, so a severity alone says that it is unknown. The column is left
 * undeclared on purpose: what a client said of the reaction outlives a change of severity, and stays whole, or it would not be valid.
 */
const firstOfAll: Pair<WithReactions> = {
  name: 'reaction:first',
  elements: [
    'manifestation',
    'substance',
    'description',
    'onset',
    'exposureRoute',
    'note',
    'extension',
    'modifierExtension',
    'id',
  ].map((key) => `reaction:first.${key}`),
  columns: [],
  toFhir: ({ row }, env) =>
    shownSeverity(row, env) === undefined ? {} : { 'reaction:first': { manifestation: [unknownConcept] } },
};

const highIfCritical = ({ row }: { readonly row: Columns }): WithReactions =>
  row['severity'] === 'critical' ? { criticality: 'high' } : {};

/** As with the first reaction: a client's "high" must not vanish because MediMax made a mild reaction a moderate one. */
const criticality: Pair<WithReactions> = { name: 'criticality', elements: ['criticality'], columns: [], toFhir: highIfCritical };

/** But a client's "low" gives way when MediMax says critical. */
const critical: Pair<WithReactions> = {
  name: 'critical',
  elements: ['criticality'],
  columns: ['severity'],
  toFhir: highIfCritical,
};

export const reactionPairs = [severity, otherReactions, firstOfAll, criticality, critical];
