/** A search as plain data: what is asked for, ready to be explained or turned into SQL. */
import type { IndexTable } from './index-rows.ts';
import type { DateTest } from './type/date.ts';
import type { QuantityTest } from './type/quantity.ts';
import type { ReferenceTest } from './type/reference.ts';
import type { StringTest } from './type/string.ts';
import type { TokenTest } from './type/token.ts';
import type { UriTest } from './type/uri.ts';

export type Test = TokenTest | StringTest | DateTest | QuantityTest | ReferenceTest | UriTest;

/** Index rows of one of these parameters. */
export interface Place {
  /** For people: `Observation.code`. */
  readonly of: string;
  readonly table: IndexTable;
  readonly params: readonly number[];
  /** Only references to this type. */
  readonly onlyType?: string;
}

/** One condition on a resource. */
export type Criterion =
  /** Some row of the place passes one of the tests. */
  | { readonly is: 'match'; readonly place: Place; readonly tests: readonly Test[]; readonly not?: boolean }
  | { readonly is: 'missing'; readonly place: Place; readonly missing: boolean }
  | { readonly is: 'id'; readonly ids: readonly string[]; readonly not?: boolean }
  | { readonly is: 'updated'; readonly tests: readonly DateTest[] }
  | { readonly is: 'type'; readonly type: string }
  /** Rows of one repetition pass all tests of one alternative. */
  | { readonly is: 'composite'; readonly places: readonly Place[]; readonly alternatives: readonly (readonly Test[])[] }
  /** A reference leads to a resource of this type that meets the criterion. */
  | { readonly is: 'chain'; readonly place: Place; readonly type: string; readonly where: Criterion }
  /** A resource of this type that meets the criterion refers to this one. */
  | { readonly is: 'has'; readonly place: Place; readonly type: string; readonly where: Criterion }
  | { readonly is: 'any'; readonly of: readonly Criterion[] }
  | { readonly is: 'all'; readonly of: readonly Criterion[] };

export type SortKey = { readonly descending: boolean } & (
  | { readonly by: 'id' | 'last_updated' }
  | { readonly by: 'value'; readonly place: Place }
);

export interface SearchPlan {
  readonly types: readonly string[];
  readonly where: readonly Criterion[];
  readonly sort: readonly SortKey[];
}

/** Every type whose resources decide about the result. */
export function typesOf({ types, where }: Pick<SearchPlan, 'types' | 'where'>): readonly string[] {
  const found = new Set(types);
  const visit = (criterion: Criterion): void => {
    if (criterion.is === 'chain' || criterion.is === 'has') {
      found.add(criterion.type);
      visit(criterion.where);
    } else if (criterion.is === 'any' || criterion.is === 'all') criterion.of.forEach(visit);
  };
  where.forEach(visit);
  return [...found];
}
