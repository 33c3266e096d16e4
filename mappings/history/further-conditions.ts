/**
 * FamilyMemberHistory.condition after the first ↔ further rows of Medical_History, one a condition, tied to the first row by the gateway.
 * A row says of its own condition what the first row says of the whole resource: details, severity and whether it is active.
 */
import type { Extension, FamilyMemberHistory, FamilyMemberHistoryCondition } from 'fhir/r4.js';
import { dateFromColumn } from '../../src/fhir/date.ts';
import { sameJson } from '../../src/fhir/json.ts';
import { isPlaceholder, placeholder } from '../../src/mapping/lift.ts';
import { conceptText, longText } from '../../src/mapping/pairs.ts';
import type { ChildSource, Columns, ColumnValue, Env, Pair, WriteContext } from '../../src/mapping/types.ts';
import { extensionUrl, isExtension, unknownConcept } from '../local-terms.ts';
import { shownText } from '../shown-text.ts';
import type { TermTables } from '../terms/term-table.ts';
import { checkHistoryDate, startDay } from './date.ts';
import { itemColumn, itemConcept } from './item.ts';
import { severityOf } from './severity.ts';

type Condition = FamilyMemberHistoryCondition;

/** An item of the lifted array: the first condition's place, or a further one. */
interface Lifted {
  readonly condition?: FamilyMemberHistory['condition'];
}

const shown = ['history_item', 'history_date', 'history_details', 'severity', 'is_active'] as const;

const firstName = 'condition:first';

export const furtherRows: ChildSource = {
  table: 'Medical_History',
  key: 'history_id',
  foreignKey: 'patient_id',
  columns: shown,
  matchOn: ['history_item'],
  linked: { first: firstName },
};

/**
 * The list is the client's, order and all, as long as its rows are there; of a row that MediMax changes only the changed column speaks
 * anew. A row that MediMax deletes, re-types or gives to another patient takes its condition along.
 */
export const furtherConditions: Pair<Lifted, TermTables> = {
  name: 'conditions',
  elements: ['condition'],
  columns: shown.map((column) => `child.${column}`),
  toFhir: ({ children }, env) => listOf(children.map(({ row }) => conditionOf(row, env))),
  toRow: ({ condition = [] }, context) => ({
    children: condition.flatMap((item, at) =>
      isPlaceholder(item) ? [] : [rowOf(item, `FamilyMemberHistory.condition[${at}]`, context)],
    ),
  }),
  list: {
    mark: ({ children }) => JSON.stringify(children.map(({ row }) => [row['history_id'] ?? null, ...valuesOf(row)])),
    merge({ condition: said = [] }, mark, stored, env) {
      const known = JSON.parse(mark) as Known[]; // written by `mark`
      const left = new Map(stored.children.map(({ row }) => [row['history_id'] ?? null, row]));
      const further = said.filter((item) => !isPlaceholder(item));
      const rows = rowsOf(further, known, env);
      const items = further.flatMap((item, at): Condition[] => {
        const was = rows[at];
        const row = was && left.get(was[0]);
        if (!was || !row) return [];
        left.delete(was[0]);
        return [withChanges(item, was, row, env)];
      });
      return listOf([...items, ...[...left.values()].map((row) => conditionOf(row, env))]);
    },
  },
};

/** Key and shown columns of a row when the client spoke of it. */
type Known = [key: ColumnValue, ...values: ColumnValue[]];

/**
 * The rows that these conditions were written to: those that say just the same; then those of the same name, day and details, or at least
 * name; what is left is in order. Each row is one condition's.
 */
function rowsOf(conditions: readonly Condition[], known: readonly Known[], env: Env<TermTables>): readonly (Known | undefined)[] {
  const found: (Known | undefined)[] = conditions.map(() => undefined);
  const free = [...known];
  const isLike: readonly ((item: Condition, row: Known) => boolean)[] = [
    (item, row) => sameJson(item, conditionOf(columnsOf(row), env)),
    (item, [, name, day, details]) =>
      conceptText(item.code) === name && startDay(item.onsetPeriod) === day && (item.note?.[0]?.text ?? null) === details,
    (item, [, name]) => conceptText(item.code) === name,
    () => true,
  ];
  for (const test of isLike) {
    for (const [at, item] of conditions.entries()) {
      if (found[at]) continue;
      const row = free.find((one) => test(item, one));
      if (!row) continue;
      found[at] = row;
      free.splice(free.indexOf(row), 1);
    }
  }
  return found;
}

function columnsOf([, ...values]: Known): Columns {
  return Object.fromEntries(shown.map((column, at) => [column, values[at] ?? null]));
}

const valuesOf = (row: Columns) => shown.map((column) => row[column] ?? null);

function listOf(conditions: readonly Condition[]): Partial<Lifted> {
  return conditions.length === 0 ? {} : { condition: [placeholder(firstName) as unknown as Condition, ...conditions] }; // the kit puts the first one there
}

function conditionOf(row: Columns, env: Env<TermTables>): Condition {
  const text = shownText(row['history_item']);
  const start = row['history_date'] ? dateFromColumn(String(row['history_date'])) : undefined;
  const details = shownText(row['history_details']);
  const extension = extensionsOf(row, env);
  return {
    ...(extension.length > 0 && { extension }),
    code: text === undefined ? unknownConcept : itemConcept(text, env.terms.findings.coding(text)),
    ...(start !== undefined && { onsetPeriod: { start } }),
    ...(details !== undefined && { note: [{ text: details }] }),
  };
}

function extensionsOf(row: Columns, env: Env<TermTables>): Extension[] {
  const severity = severityOf(row['severity']);
  const active = row['is_active'];
  return [
    ...(severity === undefined ? [] : [{ url: extensionUrl(env, 'severity'), valueCode: severity }]),
    ...(active === null || active === undefined
      ? []
      : [{ url: extensionUrl(env, 'active'), valueBoolean: Number(active) !== 0 }]),
  ];
}

/** The client's words, but for what MediMax has changed since. */
function withChanges(said: Condition, [, ...was]: Known, row: Columns, env: Env<TermTables>): Condition {
  const now = conditionOf(row, env);
  const isChanged = (column: (typeof shown)[number]) => was[shown.indexOf(column)] !== (row[column] ?? null);
  let item: Condition = said;
  if (isChanged('history_item')) item = { ...item, code: now.code };
  if (isChanged('history_date')) {
    const { onsetAge: _age, onsetRange: _range, onsetPeriod: _period, onsetString: _string, ...rest } = item;
    item = { ...rest, ...(now.onsetPeriod && { onsetPeriod: now.onsetPeriod }) };
  }
  if (isChanged('history_details')) {
    const { note, ...rest } = item;
    const notes = [...(now.note ?? []), ...(note ?? []).slice(1)];
    item = { ...rest, ...(notes.length > 0 && { note: notes }) };
  }
  if (isChanged('severity') || isChanged('is_active')) {
    const { extension, ...rest } = item;
    const others = (extension ?? []).filter(({ url }) => !isExtension(url, 'severity') && !isExtension(url, 'active'));
    const extensions = [...others, ...(now.extension ?? [])];
    item = { ...rest, ...(extensions.length > 0 && { extension: extensions }) };
  }
  return item;
}

function rowOf(item: Condition, expression: string, context: WriteContext<TermTables>): Columns {
  const day = startDay(item.onsetPeriod);
  if (day !== null) checkHistoryDate(day, `${expression}.onset`, context);
  const extensionNamed = (name: 'severity' | 'active') => item.extension?.find(({ url }) => isExtension(url, name));
  const active = extensionNamed('active')?.valueBoolean;
  return {
    ...itemColumn(item.code, `${expression}.code`, context).row,
    history_date: day,
    history_details: longText(item.note?.[0]?.text, `${expression}.note[0].text`, context),
    severity: severityOf(extensionNamed('severity')?.valueCode) ?? null,
    is_active: active === undefined ? null : active ? 1 : 0,
  };
}
