/** Where each element of a resource comes from, and what reads each column: found by running the mapping, not by describing it. */

import type { CodeMap } from '../../mappings/terminology/declared.ts';
import { sameJson } from '../fhir/json.ts';
import type { CompiledPair, CompiledVariant, Overlay } from '../mapping/compile.ts';
import type { JsonObject } from '../mapping/lift.ts';
import type { ColumnValue, Env, Stored } from '../mapping/types.ts';
import { type ColumnPlace, columnPlaces } from './columns.ts';
import { type Leaf, leavesOf, pathText, type Step, valueAt } from './leaves.ts';
import { type Owner, ownersOf } from './owners.ts';

/** `columns`: MediMax says it. `overlay`: a client said it, beside the columns. `mapping`: always so. `server`: id and meta. */
export type From = 'columns' | 'overlay' | 'mapping' | 'server';

export interface ColumnName {
  readonly table: string;
  readonly column: string;
  readonly key: number | null;
}

export interface ElementOrigin {
  readonly path: string;
  readonly value: unknown;
  readonly from: From;
  /** Name of the mapping's pair; null for what no pair owns. */
  readonly pair: string | null;
  /** From columns: those that decide it. From the overlay: those whose change by MediMax ends it; none: it stays. */
  readonly columns: readonly ColumnName[];
  readonly codeMap?: { readonly id: string; readonly from: string; readonly to: string };
}

export interface ColumnUse extends ColumnName {
  readonly value: ColumnValue;
  /** Paths of the elements that it decides now. */
  readonly says: readonly string[];
  /** Paths of what clients said that its change would end. */
  readonly ends: readonly string[];
  /** Elements of the pair that writes it; empty when no element does. */
  readonly writtenBy: readonly string[];
  readonly role: 'key' | 'owner' | 'kind' | 'content' | 'not shown';
}

export interface Explanation {
  readonly elements: readonly ElementOrigin[];
  readonly columns: readonly ColumnUse[];
}

export interface Explained {
  readonly variant: CompiledVariant;
  readonly stored: Stored;
  readonly overlay: Overlay | null;
  readonly refined: number;
}

/** `served`: the resource with what the server says of it; absent for a draft. */
export function explain(explained: Explained, env: Env, codeMaps: readonly CodeMap[], served?: JsonObject): Explanation {
  const { variant, stored, overlay, refined } = explained;
  const owned = ownersOf(variant, stored, overlay, refined, env);
  const places = columnPlaces(variant.variant.source, stored);
  const renderings = renderingsOf(explained, places, env);
  const elements = leavesOf(owned.content).map((leaf): ElementOrigin => {
    const { owner, liftedSteps } = owned.ownerOf(leaf.steps);
    return originOf(variant, leaf, owner, liftedSteps, renderings, codeMaps);
  });
  const ofServer = served ? serverElements(served, owned.content) : [];
  return { elements: [...ofServer, ...elements], columns: places.map((place) => useOf(variant, place, elements)) };
}

/** What a pair's columns say now, and what it would say if a column were another: of a list, with the client's words that still stand. */
interface Renderings {
  readonly now: JsonObject;
  readonly otherwise: readonly { readonly place: ColumnPlace; readonly says: readonly JsonObject[] }[];
}

function renderingsOf(
  { variant, stored, overlay, refined }: Explained,
  places: readonly ColumnPlace[],
  env: Env,
): ReadonlyMap<CompiledPair, Renderings> {
  const say = ({ pair, name, bit }: CompiledPair, rows: Stored): JsonObject => {
    const said = pair.list && refined & bit ? overlay?.refined[name] : undefined;
    return { ...(said && pair.list ? pair.list.merge(said.el, said.fp, rows, env) : pair.toFhir(rows, env)) };
  };
  return new Map(
    variant.pairs.map((pair) => [
      pair,
      {
        now: { ...pair.pair.toFhir(stored, env) },
        // The key of a row in a list is the row itself: only where the list shows it is it a column like others.
        otherwise: places
          .filter(({ part, column }) => !pair.pair.list || pair.reads[part].includes(column))
          .map((place) => ({ place, says: place.variations.map((rows) => say(pair, rows)) })),
      },
    ]),
  );
}

function originOf(
  variant: CompiledVariant,
  { steps, value }: Leaf,
  { pair, isKept }: Owner,
  liftedSteps: readonly Step[],
  renderings: ReadonlyMap<CompiledPair, Renderings>,
  codeMaps: readonly CodeMap[],
): ElementOrigin {
  const path = pathText(variant.resourceType, steps);
  const said = pair ? renderings.get(pair) : undefined;
  // What has no row is all in the gateway's own books.
  const isRowless = 'rowless' in variant.variant.source;
  if (!pair || !said || isRowless) return { path, value, from: 'overlay', pair: null, columns: [] };
  const deciding = said.otherwise
    .filter(({ says }) => says.some((other) => !sameJson(valueAt(other, liftedSteps), value)))
    .map(({ place }) => place);
  if (isKept && !sameJson(valueAt(said.now, liftedSteps), value)) {
    const columns = pair.pair.list ? deciding.map(nameOf) : columnsRead(pair, said);
    return { path, value, from: 'overlay', pair: pair.name, columns };
  }
  const origin = {
    path,
    value,
    from: deciding.length > 0 ? 'columns' : 'mapping',
    pair: pair.name,
    columns: deciding.map(nameOf),
  } as const;
  const codeMap = entryFor(codeMaps, variant.resourceType, deciding, value);
  return codeMap ? { ...origin, codeMap } : origin;
}

function columnsRead({ reads }: CompiledPair, { otherwise }: Renderings): readonly ColumnName[] {
  return otherwise.filter(({ place }) => reads[place.part].includes(place.column)).map(({ place }) => nameOf(place));
}

function nameOf({ table, column, key }: ColumnPlace): ColumnName {
  return { table, column, key };
}

/** The row of a code table that turned one of these columns into this value. */
function entryFor(
  codeMaps: readonly CodeMap[],
  resourceType: string,
  places: readonly ColumnPlace[],
  value: unknown,
): ElementOrigin['codeMap'] {
  for (const { table, column, value: stored } of places) {
    for (const { id, columns, elements, direction, rows, otherwise } of codeMaps) {
      if (direction !== 'read' || !columns.includes(`${table}.${column}`)) continue;
      if (!elements.some((element) => element.startsWith(`${resourceType}.`))) continue;
      const row = rows.find(({ from, to }) => from.code === String(stored) && to.code === value);
      if (row) return { id, from: row.from.code, to: row.to.code ?? '' };
      const isOther = otherwise?.code === value && !rows.some(({ from }) => from.code === String(stored));
      if (isOther) return { id, from: stored === null ? 'NULL' : String(stored), to: String(value) };
    }
  }
  return undefined;
}

function useOf(variant: CompiledVariant, place: ColumnPlace, elements: readonly ElementOrigin[]): ColumnUse {
  const { source } = variant.variant;
  const name = nameOf(place);
  const isHere = ({ columns }: ElementOrigin) => columns.some((one) => sameJson(one, name));
  const says = elements.filter((element) => element.from === 'columns' && isHere(element)).map(({ path }) => path);
  const ends = elements.filter((element) => element.from === 'overlay' && isHere(element)).map(({ path }) => path);
  const writer = variant.pairs.find(({ pair, reads }) => pair.toRow && reads[place.part].includes(place.column));
  return {
    ...name,
    value: place.value,
    says,
    ends,
    writtenBy: (writer?.pair.elements ?? []).map((element) => `${variant.resourceType}.${element}`),
    role: roleOf(source, place, says.length + ends.length > 0 || writer !== undefined),
  };
}

function roleOf(source: CompiledVariant['variant']['source'], { part, column }: ColumnPlace, isUsed: boolean): ColumnUse['role'] {
  const keys = { row: source.key, parent: source.parent?.key, child: source.child?.key };
  if (column === keys[part]) return 'key';
  if (part === 'row' && column === source.where?.column) return 'kind';
  if (part === 'row' && column === source.parent?.foreignKey) return 'owner';
  if (part === 'child' && column === source.child?.foreignKey) return 'owner';
  if (column === 'patient_id') return 'owner';
  return isUsed ? 'content' : 'not shown';
}

/** Elements that the server itself says of every resource. */
function serverElements(resource: JsonObject, content: JsonObject): readonly ElementOrigin[] {
  const resourceType = String(resource['resourceType']);
  return leavesOf({ id: resource['id'], meta: resource['meta'] })
    .filter(({ steps, value }) => !sameJson(valueAt(content, steps), value))
    .map(({ steps, value }) => ({ path: pathText(resourceType, steps), value, from: 'server', pair: null, columns: [] }));
}
