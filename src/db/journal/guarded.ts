/** Rows whose books a transaction builds on, by `Table/key`; the value says whether rows that belong to it count as well. See guard.ts. */
export type Guarded = Map<string, { readonly below: boolean }>;
