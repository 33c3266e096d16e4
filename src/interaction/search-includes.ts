/** Resources that a page refers to, or that refer to it, as `_include` and `_revinclude` ask. https://hl7.org/fhir/R4/search.html#include */
import type { ResourceRecord } from '../db/repository.ts';
import type { Found } from '../db/search-store.ts';
import { fault } from '../fhir/outcome.ts';
import type { IncludeRule } from '../search/parse-include.ts';
import type { InteractionContext } from './interaction.ts';

/** Rounds of `:iterate`; references that go on longer are refused, not cut. */
const roundsMax = 8;

export async function includedRecords(
  context: InteractionContext,
  rules: readonly IncludeRule[],
  page: readonly ResourceRecord[],
): Promise<readonly ResourceRecord[]> {
  if (rules.length === 0 || page.length === 0) return [];
  const limit = context.search.settings().limits.includesMax;
  const seen = new Set(page.map(({ rid }) => rid));
  const included: Found[] = [];
  // The variant says what a view shows: only that has an index.
  let frontier: readonly Found[] = page.map(({ rid, variant }) => ({ rid, type: variant.resourceType }));
  for (let round = 0; frontier.length > 0; round += 1) {
    const asked = round === 0 ? rules : rules.filter(({ iterate }) => iterate);
    if (asked.length === 0) break;
    if (round > roundsMax) throw tooMany(`follow references for more than ${roundsMax} rounds`);
    const next: Found[] = [];
    for (const rule of asked) {
      for (const found of await follow(context, rule, frontier, limit)) {
        if (seen.has(found.rid)) continue;
        seen.add(found.rid);
        next.push(found);
      }
      if (included.length + next.length > limit) throw tooMany(`include more than ${limit} resources in a page`);
    }
    included.push(...next);
    frontier = next;
  }
  return readAll(context, included);
}

async function follow(
  { search: { store } }: InteractionContext,
  { reverse, source, target, places }: IncludeRule,
  from: readonly Found[],
  limit: number,
): Promise<readonly Found[]> {
  const found: Found[] = [];
  const rids = from
    .filter(({ type }) => (reverse ? target === undefined || type === target : type === source))
    .map(({ rid }) => rid);
  if (rids.length === 0) return found;
  for (const place of places) {
    const some = reverse
      ? await store.referringTo(place, source, rids, limit + 1)
      : await store.referredTo(place, target, rids, limit + 1);
    found.push(...some);
  }
  return found;
}

function tooMany(what: string) {
  return fault('malformed', 'too-costly', `_include and _revinclude would ${what}; ask for fewer with _count.`, '_include');
}

async function readAll({ repository }: InteractionContext, found: readonly Found[]): Promise<readonly ResourceRecord[]> {
  const records: ResourceRecord[] = [];
  for (const [type, ofType] of Map.groupBy(found, (one) => one.type))
    records.push(
      ...(await repository.readMany(
        type,
        ofType.map(({ rid }) => rid),
      )),
    );
  return records.filter(({ state }) => state === 'living');
}
