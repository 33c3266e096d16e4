/** Turns the references a write needs into row keys, all of them in one statement, before any row is touched. */
import type { Reference } from 'fhir/r4.js';
import { error, FhirError, type Issue } from '../fhir/outcome.ts';
import type { NeededReference } from '../mapping/types.ts';
import type { Bound, Session } from './pool.ts';

export interface ReferenceSettings {
  /** Absolute references below this base are ours. */
  readonly baseUrl: string;
  /** System of the identifier that is Patient's key. */
  readonly identifierSystem: string;
}

/** Resolved references: the key a reference stands for, and the FHIR id of a key that was resolved by its literal reference. */
export interface Resolved {
  key(need: NeededReference): number | null;
  id(resourceType: string, key: number): string | null;
}

/** Keys of living resources by an identifier of theirs; the search index answers. Several matches are all returned. */
export type FindByIdentifier = (
  session: Session,
  resourceType: string,
  system: string | undefined,
  value: string,
) => Promise<readonly number[]>;

/** Addresses (`Patient/pt-1`) whose keys are known beforehand; null: nothing living is there. */
export type KnownKeys = ReadonlyMap<string, number | null>;

const nothingKnown: KnownKeys = new Map();

/** @throws FhirError 422 naming every reference that does not resolve, with its FHIRPath. */
export async function resolveReferences(
  session: Session,
  needed: readonly NeededReference[],
  settings: ReferenceSettings,
  findByIdentifier: FindByIdentifier,
  known: KnownKeys = nothingKnown,
): Promise<Resolved> {
  const issues: Issue[] = [];
  const keys = new Map<string, number>();
  const literal = new Map<string, { readonly type: string; readonly id: string }>();
  const required = needed.filter(({ optional }) => !optional);
  for (const need of required) {
    const { reference, target, expression } = need;
    const address = addressOf(reference.reference, settings.baseUrl);
    if (address && address.type !== target)
      issues.push(error('value', `${expression} must refer to a ${target}, not a ${address.type}`, expression));
    else if (address) literal.set(`${address.type}/${address.id}`, address);
    else if (reference.identifier?.value !== undefined && reference.reference === undefined) {
      const found = await byIdentifier(session, need, settings, findByIdentifier);
      if (typeof found === 'number') keys.set(memoKey(need), found);
      else issues.push(found);
    } else
      issues.push(
        error(
          'not-found',
          `${expression}: ${reference.reference ?? 'a reference without target'} cannot be resolved here; use ${target}/[id]`,
          expression,
        ),
      );
  }
  const ids = new Map<string, string>();
  const optional = await optionalKeys(session, needed, settings, known);
  const unknown = [...literal].flatMap(([address, target]) => (known.has(address) ? [] : [target]));
  const found = await livingKeys(session, unknown);
  for (const address of literal.keys()) {
    const key = known.get(address) ?? found.get(address);
    if (key === undefined) continue;
    keys.set(address, key);
    const [type, id] = address.split('/') as [string, string];
    ids.set(`${type}/${key}`, id);
  }

  const keyOf = (need: NeededReference): number | null => {
    if (need.optional) return optional.get(need.expression) ?? null;
    const address = addressOf(need.reference.reference, settings.baseUrl);
    return keys.get(address ? `${address.type}/${address.id}` : memoKey(need)) ?? null;
  };
  for (const need of required) {
    if (keyOf(need) !== null || issues.some((issue) => issue.expression?.[0] === need.expression)) continue;
    issues.push(error('not-found', `${need.expression}: ${need.reference.reference} does not exist here`, need.expression));
  }
  if (issues.length > 0) throw new FhirError('unprocessable', issues);
  return { key: keyOf, id: (resourceType, key) => ids.get(`${resourceType}/${key}`) ?? null };
}

/** Keys of rows of the wanted variant, by the expression of the reference; in one statement a variant. */
async function optionalKeys(
  session: Session,
  needed: readonly NeededReference[],
  settings: ReferenceSettings,
  known: KnownKeys,
): Promise<ReadonlyMap<string, number>> {
  const keys = new Map<string, number>();
  const wanted = needed.flatMap(({ optional, reference, expression }) => {
    const address = optional && addressOf(reference.reference, settings.baseUrl);
    if (!optional || !address) return [];
    const key = known.get(`${address.type}/${address.id}`);
    if (typeof key === 'number' && key < 0) keys.set(expression, key); // still to come in the same transaction
    return key === undefined || (key !== null && key >= 0) ? [{ variant: optional.variant, address, expression }] : [];
  });
  for (const [variant, ofVariant] of Map.groupBy(wanted, (one) => one.variant)) {
    const found = await livingKeys(
      session,
      ofVariant.map(({ address }) => address),
      variant,
    );
    for (const { address, expression } of ofVariant) {
      const key = found.get(`${address.type}/${address.id}`);
      if (key !== undefined) keys.set(expression, key);
    }
  }
  return keys;
}

async function byIdentifier(
  session: Session,
  { reference, target, expression }: NeededReference,
  settings: ReferenceSettings,
  find: FindByIdentifier,
): Promise<number | Issue> {
  const { system, value = '' } = reference.identifier ?? {};
  const own = target === 'Patient' && system === settings.identifierSystem && /^\d{1,9}$/.test(value);
  const found = own ? await keysOfSource(session, target, Number(value)) : await find(session, target, system, value);
  const shown = `${system ?? ''}|${value}`;
  if (found.length === 1 && found[0] !== undefined) return found[0];
  if (found.length === 0) return error('not-found', `${expression}: no ${target} has the identifier ${shown}`, expression);
  return error('multiple-matches', `${expression}: several ${target} resources have the identifier ${shown}`, expression);
}

async function keysOfSource(session: Session, type: string, key: number): Promise<readonly number[]> {
  const rows = await session.rows(
    'SELECT source_key FROM fhir_resource WHERE type = ? AND variant = ? AND source_key = ? AND state = 0',
    [type, type, key],
  );
  return rows.map((row) => Number(row[0]));
}

/** Keys of the living resources at these addresses, in one statement. */
export async function livingKeys(
  session: Session,
  addresses: readonly { readonly type: string; readonly id: string }[],
  variant?: string,
): Promise<Map<string, number>> {
  if (addresses.length === 0) return new Map();
  const tests = addresses.map(() => '(type = ? AND id = ?)').join(' OR ');
  const values = addresses.flatMap((address): Bound[] => [address.type, address.id]);
  const rows = await session.rows(
    `SELECT type, id, source_key FROM fhir_resource WHERE state = 0 AND source_key IS NOT NULL${variant === undefined ? '' : ' AND variant = ?'} AND (${tests})`,
    variant === undefined ? values : [variant, ...values],
  );
  return new Map(rows.map((row) => [`${row[0]}/${row[1]}`, Number(row[2])]));
}

/** Type and id of a literal reference to this server: relative, or absolute below our base; a version part is allowed. */
export function addressOf(reference: string | undefined, baseUrl: string): { readonly type: string; readonly id: string } | null {
  if (reference === undefined) return null;
  const relative = reference.startsWith(`${baseUrl}/`) ? reference.slice(baseUrl.length + 1) : reference;
  const match = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/.exec(relative);
  return match?.[1] && match[2] ? { type: match[1], id: match[2] } : null;
}

function memoKey({ reference, target }: Pick<NeededReference, 'target'> & { readonly reference: Reference }): string {
  return JSON.stringify([target, reference.identifier?.system ?? null, reference.identifier?.value ?? null]);
}
