/** From what a client sent to the columns that must be written: pure, so that a conflict can run it again. */
import type { Resource } from 'fhir/r4.js';
import { sameJson } from '../fhir/json.ts';
import { error, FhirError, type Issue } from '../fhir/outcome.ts';
import type { CompiledVariant } from './compile.ts';
import type { JsonObject } from './lift.ts';
import { tables } from './tables.ts';
import type { Columns, ColumnValue, Env, NeededReference, Stored, WriteContext, Written } from './types.ts';

/** Columns to write. On create whole rows, on update only what changed. */
export interface ColumnPlan {
  readonly row: Columns;
  /** Desired columns of the parent row that changed; null when it stays. */
  readonly parent: Columns | null;
  /** The whole desired list of child rows; null when it stays. */
  readonly children: readonly Columns[] | null;
  readonly issues: readonly Issue[];
}

/** Answers for `NeededReference`s, found beforehand in one go. */
export type ResolvedReferences = (needed: NeededReference) => number | null;

/** Every reference that must become a key before `planColumns` can run. */
export function neededReferences(variant: CompiledVariant, lifted: JsonObject): readonly NeededReference[] {
  return variant.pairs.flatMap(({ pair, paths }) => pair.references?.(paths.pick(lifted)) ?? []);
}

export interface PlanInput {
  readonly variant: CompiledVariant;
  readonly resource: JsonObject;
  readonly lifted: JsonObject;
  readonly current: { readonly stored: Stored; readonly lifted: JsonObject } | null;
  readonly resolve: ResolvedReferences;
  readonly env: Env;
  /** `YYYY-MM-DD HH:MM:SS` UTC, for created_at and updated_at of new rows. */
  readonly timestamp: string;
}

/** Throws FhirError 422 with every refusal of every pair. */
export function planColumns(input: PlanInput): ColumnPlan {
  const { variant, lifted, current } = input;
  const issues: Issue[] = [];
  const context = writeContext(input, issues);
  variant.variant.check?.(input.resource, context);
  const written: Written[] = [];
  const { parts } = variant.split(lifted);
  const before = current && variant.split(current.lifted).parts;
  variant.pairs.forEach(({ pair }, index) => {
    const said = parts[index] ?? {};
    if (pair.toRow && !(before && sameJson(said, before[index]))) written.push(pair.toRow(said, context));
  });
  const refusals = issues.filter((issue) => issue.severity === 'error');
  if (refusals.length > 0) throw new FhirError('unprocessable', issues);

  const row = Object.assign({}, ...written.map((part) => part.row));
  const parentParts = written.flatMap((part) => (part.parent ? [part.parent] : []));
  const children = written.find((part) => part.children)?.children ?? null;
  const parent = parentParts.length > 0 ? Object.assign({}, ...parentParts) : null;
  if (!current) return { row: wholeRow(variant, row, input.timestamp), parent, children: children ?? [], issues };
  return {
    row: changedOnly(row, current.stored.row),
    parent: parent && current.stored.parent ? nullIfEmpty(changedOnly(parent, current.stored.parent)) : parent,
    children,
    issues,
  };
}

function writeContext(input: PlanInput, issues: Issue[]): WriteContext {
  return {
    env: input.env,
    resource: input.resource as unknown as Resource, // the one place where validated JSON is given its FHIR type
    current: input.current?.stored ?? null,
    key: input.resolve,
    refuse: (code, text, expression) => issues.push(error(code, text, expression)),
    tell: (issue) => issues.push(issue),
  };
}

/** Every column is named on insert: a column default is a statement nobody made (S3, S4 of the mapping notes). */
function wholeRow({ variant }: CompiledVariant, written: Columns, timestamp: string): Columns {
  const { table, key, where, rowless } = variant.source;
  if (rowless) return written;
  const row: Record<string, ColumnValue> = {};
  for (const [name, column] of Object.entries(tables[table].columns)) {
    if (name === key) continue;
    row[name] = name in written ? (written[name] ?? null) : column.type === 'timestamp' ? timestamp : null;
  }
  if (where) row[where.column] = where.value;
  return row;
}

function changedOnly(wanted: Columns, current: Columns): Columns {
  return Object.fromEntries(Object.entries(wanted).filter(([column, value]) => value !== current[column]));
}

function nullIfEmpty(columns: Columns): Columns | null {
  return Object.keys(columns).length > 0 ? columns : null;
}
