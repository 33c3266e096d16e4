/** Conditional references that are no patient's identifier with its system: each of them is a search. */
import type { DatabaseParts } from '../db/parts.ts';
import type { Session } from '../db/pool.ts';
import { FhirError } from '../fhir/outcome.ts';
import { addressKey, findHere, type Known } from './look-up.ts';

/** What was found by `Type?query`; more than one are told from one by asking for two. */
export async function findSearched(
  parts: DatabaseParts,
  session: Session,
  wanted: ReadonlyMap<string, { readonly type: string; readonly query: string }>,
): Promise<ReadonlyMap<string, readonly Known[]>> {
  const found = new Map<string, readonly Known[]>();
  for (const [text, { type, query }] of wanted) {
    const rids = await parts.findByQuery(session, type, new URLSearchParams(query), 2).catch((thrown: unknown) => {
      if (thrown instanceof FhirError && thrown.kind === 'malformed') return [];
      throw thrown;
    });
    if (rids.length === 0) continue;
    const rows = await session.rows(`SELECT id FROM fhir_resource WHERE rid IN (${rids.map(() => '?').join(', ')})`, rids);
    const ids = rows.map(([id]) => String(id));
    const here = await findHere(
      session,
      ids.map((id) => ({ type, id })),
    );
    found.set(
      text,
      ids.flatMap((id) => here.get(addressKey(type, id)) ?? []),
    );
  }
  return found;
}
