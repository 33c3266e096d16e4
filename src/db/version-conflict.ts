/** What a refused If-Match is told: which elements changed since the version it names, and who changed them. */
import { sameJson } from '../fhir/json.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { JsonObject } from '../mapping/lift.ts';
import type { Session } from './pool.ts';
import type { Repository, ResourceRecord } from './repository.ts';

/** Runs a write; where it fails by its If-Match, looks – after the fact, without a lock – what the client does not know yet. */
export async function tellingConflicts<Result>(
  repository: Pick<Repository, 'read' | 'readVersion' | 'render'>,
  session: Session,
  write: { readonly resourceType: string; readonly id: string; readonly ifMatch: number | undefined },
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    return await run();
  } catch (failure) {
    const { resourceType, id, ifMatch } = write;
    if (!(failure instanceof FhirError) || failure.kind !== 'precondition-failed' || ifMatch === undefined) throw failure;
    const [issue] = failure.issues;
    const current = await repository.read(resourceType, id);
    if (!issue || !current) throw failure;
    const text = [issue.text, ...(await whatChanged(repository, session, current, ifMatch))].join(' ');
    throw new FhirError('precondition-failed', [{ ...issue, text }], { cause: failure, headers: failure.headers });
  }
}

async function whatChanged(
  repository: Pick<Repository, 'readVersion' | 'render'>,
  session: Session,
  current: ResourceRecord,
  since: number,
): Promise<readonly string[]> {
  if (since > current.version) return [`Version ${since} has never been.`];
  const rows = await session.rows(
    'SELECT DISTINCT origin FROM fhir_version WHERE rid = ? AND version > ? UNION SELECT origin FROM fhir_resource WHERE rid = ?',
    [current.rid, since, current.rid],
  );
  const writers = [...new Set(rows.map(([origin]) => wordsFor(String(origin))))].join(' and ');
  if (current.state === 'deleted') return [`It was deleted by ${writers}.`];
  const known = await repository.readVersion(current.resourceType, current.id, since);
  if (!known?.stored) return [`Changed since by ${writers}.`];
  const elements = changedElements(repository.render(known), repository.render(current));
  const named = elements.map((element) => `${current.resourceType}.${element}`).join(', ');
  return [named === '' ? `It says the same as then; written since by ${writers}.` : `Changed since by ${writers}: ${named}.`];
}

function changedElements(before: JsonObject, now: JsonObject): readonly string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  keys.delete('meta');
  return [...keys].filter((key) => !sameJson(before[key], now[key]));
}

function wordsFor(origin: string): string {
  if (origin === 'medimax') return 'MediMax';
  return origin === 'client' ? 'an API client' : origin.startsWith('import') ? 'an import' : origin;
}
