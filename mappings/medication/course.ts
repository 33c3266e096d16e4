/**
 * status and effective[x] ↔ is_continued, prescribed_date and discontinued_date. One pair, because MediMax's CHECK ties them:
 * what is no longer taken needs the day it ended.
 */
import type { CodeableConcept, MedicationStatement, Period } from 'fhir/r4.js';
import { dateFromColumn, dayAsWritten } from '../../src/fhir/date.ts';
import { codeTable } from '../../src/mapping/code-table.ts';
import type { Columns, ColumnValue, Env, Pair, WriteContext } from '../../src/mapping/types.ts';
import { extensionUrl, isExtension } from '../local-terms.ts';

interface Course {
  readonly status?: MedicationStatement['status'];
  /** Why it was stopped is untrue once MediMax goes on with it. */
  readonly statusReason?: CodeableConcept[] | undefined;
  readonly effectiveDateTime?: string | undefined;
  readonly effectivePeriod?: Period | undefined;
}

/** unknown is NULL. */
export const continued = codeTable([
  ['1', 'active'],
  ['0', 'stopped'],
  ['1', 'intended'],
  ['1', 'on-hold'],
  ['0', 'completed'],
  ['0', 'not-taken'],
]);

export const course: Pair<Course> = {
  name: 'course',
  elements: ['status', 'statusReason', 'effective[x]'],
  columns: ['is_continued', 'prescribed_date', 'discontinued_date'],
  volatile: true,
  toFhir: ({ row }, env) => courseOf(row, env),
  toRow: (elements, context) => ({ row: courseColumns(elements, context) }),
};

function courseOf(row: Columns, env: Env): Course {
  const start = dateOf(row['prescribed_date']);
  const status = statusOf(row['is_continued'], start, env.today);
  const end = dateOf(row['discontinued_date']);
  if (start === undefined && end === undefined) return { status };
  return {
    status,
    effectivePeriod: {
      ...(end !== undefined && !isSurelyInOrder(start, end)
        ? { extension: [{ url: extensionUrl(env, 'discontinuedDate'), valueDate: end }] }
        : {}),
      ...(start === undefined ? {} : { start }),
      ...(end !== undefined && isSurelyInOrder(start, end) ? { end } : {}),
    },
  };
}

function statusOf(flag: ColumnValue | undefined, start: string | undefined, today: string): MedicationStatement['status'] {
  if (flag === null || flag === undefined) return 'unknown';
  if (Number(flag) === 0) return 'stopped';
  return start !== undefined && start > today ? 'intended' : 'active';
}

/** Partial dates compare as far as both go; 1985 and 1985-03 are in no known order, and per-1 wants a known one. */
function isSurelyInOrder(start: string | undefined, end: string): boolean {
  if (start === undefined) return true;
  const shared = Math.min(start.length, end.length);
  const [from, to] = [start.slice(0, shared), end.slice(0, shared)];
  return from < to || (from === to && start.length === end.length);
}

function dateOf(value: ColumnValue | undefined): string | undefined {
  return value === null || value === undefined ? undefined : dateFromColumn(String(value));
}

/** What a client left as it reads keeps its column, odd dates and flags included. */
function courseColumns(said: Course, context: WriteContext): Columns {
  const now = context.current?.row;
  const shown = now && courseOf(now, context.env);
  const flag = now && said.status === shown?.status ? (now['is_continued'] ?? null) : flagOf(said.status);
  const start = startOf(said);
  const prescribed = now && start === startOf(shown) ? (now['prescribed_date'] ?? null) : prescribedDay(start, context);
  return { is_continued: flag, prescribed_date: prescribed, discontinued_date: discontinuedDay(said, flag, now, shown, context) };
}

function flagOf(status: Course['status']): number | null {
  const flag = continued.toRow(status);
  return flag === undefined ? null : Number(flag);
}

function startOf(course: Course | undefined): string | undefined {
  return course?.effectivePeriod?.start ?? course?.effectiveDateTime;
}

function endOf(course: Course | undefined): string | undefined {
  const period = course?.effectivePeriod;
  return period?.end ?? period?.extension?.find(({ url }) => isExtension(url, 'discontinuedDate'))?.valueDate;
}

/** Never "today": a day nobody named is not made up. */
function prescribedDay(start: string | undefined, context: WriteContext): string | null {
  const day = start ?? dateAsserted(context);
  if (day !== undefined) return checkedDay(day, context);
  const text =
    'MediMax needs the day from which a medication is taken: give effectivePeriod.start, effectiveDateTime or dateAsserted';
  context.refuse('required', text, 'MedicationStatement.effective');
  return null;
}

function discontinuedDay(
  said: Course,
  flag: ColumnValue,
  now: Columns | undefined,
  shown: Course | undefined,
  context: WriteContext,
): ColumnValue {
  const end = endOf(said);
  const unchanged = now !== undefined && end === endOf(shown) && (end !== undefined || flag === now['is_continued']);
  if (unchanged) return now['discontinued_date'] ?? null;
  if (end !== undefined) return checkedDay(end, context);
  if (flag !== 0) return null;
  const already = now?.['is_continued'] === 0 ? now['discontinued_date'] : null;
  if (already) return already;
  const asserted = dateAsserted(context);
  if (asserted !== undefined) return checkedDay(asserted, context);
  const text = `MediMax needs the day on which a medication that is ${said.status} ended: give effectivePeriod.end or dateAsserted`;
  context.refuse('required', text, 'MedicationStatement.effective');
  return null;
}

function dateAsserted({ resource }: WriteContext): string | undefined {
  return resource.resourceType === 'MedicationStatement' ? (resource as MedicationStatement).dateAsserted : undefined; // marked place
}

/** DATE begins in the year 1000. */
function checkedDay(dateTime: string, context: WriteContext): string {
  const day = dayAsWritten(dateTime);
  const expression = 'MedicationStatement.effective';
  if (day < '1000') context.refuse('value', `${day} is before the year 1000, where MediMax's dates begin`, expression);
  return day;
}
