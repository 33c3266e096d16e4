/** Random statements of MediMax's, each with what it does to the model. */
import type { Model, ModelRow, Value } from './model.ts';
import { rule } from './model.ts';

export interface Statement {
  readonly sql: string;
  readonly values: readonly Value[];
  /** Told the first key that the statement made. */
  readonly effect: (firstKey: number) => void;
}

/** A small generator of numbers that can be repeated from its seed. */
export function randomFrom(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  };
  return { next, below, pick };
}

export type Random = ReturnType<typeof randomFrom>;

const text = [
  'cough',
  'Cough',
  'cough ',
  'cöugh',
  'fever "high"',
  'back\\slash',
  "it's",
  '😀 smile',
  'line\nbreak',
  'tab\there',
  'x',
];
const days = ['2026-01-05', '2026-02-28', '1999-12-31'];
const severities = ['mild', 'moderate', 'severe', 'critical', null];
const longText = [null, '', 'a note', 'A note', 'two\nlines', '"quoted"', '\\'];
const doctors = [null, 'Dr. Roe', 'Dr. roe', 'Dr. Poe'];
const flags = [0, 1, null];

/** Values that each column may be given; key columns are chosen from the rows there are. */
const columns: Readonly<Record<string, Readonly<Record<string, readonly Value[]>>>> = {
  Patient: { name: text, dob: [...days, null], sex: ['Male', 'Female', 'Other'] },
  Medical_History: {
    history_type: ['allergy', 'surgery', 'family_history', 'condition', 'lifestyle', 'other'],
    history_item: text,
    history_details: longText,
    history_date: [...days, null],
    severity: severities,
    is_active: flags,
  },
  Appointment: {
    appointment_date: days,
    appointment_time: ['10:00:00', '10:00:01', null],
    status: ['Scheduled', 'Confirmed', 'Cancelled', null],
    appointment_type: ['consultation', 'emergency', null],
    doctor_name: doctors,
    notes: longText,
  },
  Appointment_Symptom: {
    symptom_name: text,
    symptom_description: longText,
    severity: severities,
    duration: [null, '3 days', 'weeks'],
    onset_type: ['sudden', 'chronic', null],
  },
  Medication: {
    medicine_name: text,
    is_continued: flags,
    prescribed_date: days,
    discontinued_date: [...days, null],
    dosage: [null, '5 mg', '5 MG'],
    frequency: [null, 'daily'],
    prescribed_by: doctors,
  },
  Medication_Purpose: { condition_name: [...text, null], purpose_description: longText },
  Lab_Report: { lab_date: days, lab_type: text, ordering_doctor: doctors, lab_facility: doctors },
  Lab_Finding: {
    test_name: text,
    test_value: ['1', '1.0', 'positive'],
    test_unit: [null, 'mg'],
    reference_range: [null, '1-2'],
    is_abnormal: flags,
    abnormal_flag: ['high', 'low', null],
  },
};

const tableNames = Object.keys(columns);

/** One statement; null when the tables do not hold what it needs. */
export function randomStatement(model: Model, random: Random): Statement | null {
  const roll = random.below(100);
  if (roll < 34) return insert(model, random);
  if (roll < 68) return updateOne(model, random);
  if (roll < 78) return updateSiblings(model, random);
  if (roll < 82) return touchTimestamps(model, random);
  if (roll < 90) return remove(model, random);
  if (roll < 93) return removeSiblings(model, random);
  if (roll < 97) return replace(model, random);
  return upsert(model, random);
}

/** Up to three rows, of one parent or of several. */
function insert(model: Model, random: Random, rows = 1 + random.below(3)): Statement | null {
  const table = random.pick(tableNames);
  const made: ModelRow[] = [];
  for (let row = 0; row < rows; row += 1) {
    const values = randomRow(model, random, table);
    if (!values) return null;
    made.push(values);
  }
  return {
    ...insertSql(table, made),
    effect: (first) => {
      for (const [index, row] of made.entries()) model.insert(table, first + index, row);
    },
  };
}

function insertSql(
  table: string,
  rows: readonly ModelRow[],
  verb = 'INSERT',
): { readonly sql: string; readonly values: Value[] } {
  const names = Object.keys(rows[0] ?? {});
  const marks = rows.map(() => `(${names.map(() => '?').join(', ')})`).join(', ');
  return {
    sql: `${verb} INTO ${table} (${names.join(', ')}) VALUES ${marks}`,
    values: rows.flatMap((row) => Object.values(row)),
  };
}

function randomRow(model: Model, random: Random, table: string): ModelRow | null {
  const { belongsTo } = rule(table);
  const row: ModelRow = {};
  if (belongsTo) {
    const parent = anyKey(model, random, belongsTo.table);
    if (parent === null) return null;
    row[belongsTo.column] = parent;
  }
  for (const [column, choices] of Object.entries(columns[table] ?? {})) row[column] = random.pick(choices);
  return row;
}

function anyKey(model: Model, random: Random, table: string): number | null {
  const keys = [...model.rows(table).keys()];
  return keys.length === 0 ? null : random.pick(keys);
}

function randomChange(model: Model, random: Random, table: string): ModelRow {
  const { belongsTo } = rule(table);
  if (belongsTo && random.below(6) === 0) return { [belongsTo.column]: anyKey(model, random, belongsTo.table) };
  const [column, choices] = random.pick(Object.entries(columns[table] ?? {}));
  return { [column]: random.pick(choices) };
}

function updateOne(model: Model, random: Random): Statement | null {
  const table = random.pick(tableNames);
  const key = anyKey(model, random, table);
  if (key === null) return null;
  const change = { ...randomChange(model, random, table), ...randomChange(model, random, table) };
  const sets = Object.keys(change).map((column) => `${column} = ?`);
  return {
    sql: `UPDATE ${table} SET ${sets.join(', ')} WHERE ${rule(table).key} = ?`,
    values: [...Object.values(change), key],
    effect: () => model.update(table, key, change),
  };
}

/** All rows of one parent at once: several rows, one version of the resource above. */
function updateSiblings(model: Model, random: Random): Statement | null {
  const found = siblings(model, random);
  if (!found) return null;
  const change = randomChange(model, random, found.table);
  const [column] = Object.keys(change);
  return {
    sql: `UPDATE ${found.table} SET ${column} = ? WHERE ${found.column} = ?`,
    values: [...Object.values(change), found.parent],
    effect: () => {
      for (const key of found.keys) model.update(found.table, key, change);
    },
  };
}

function siblings(model: Model, random: Random) {
  const table = random.pick(tableNames.filter((name) => rule(name).belongsTo));
  const { belongsTo } = rule(table);
  const parent = belongsTo ? anyKey(model, random, belongsTo.table) : null;
  if (!belongsTo || parent === null) return null;
  const keys = [...model.rows(table)].filter(([, row]) => row[belongsTo.column] === parent).map(([key]) => key);
  return { table, column: belongsTo.column, parent, keys };
}

/** What no resource shows: no version. */
function touchTimestamps(model: Model, random: Random): Statement | null {
  const table = random.pick(['Patient', 'Medical_History', 'Appointment', 'Medication', 'Lab_Report']);
  const key = anyKey(model, random, table);
  if (key === null) return null;
  return {
    sql: `UPDATE ${table} SET updated_at = '2020-02-02 02:02:02' WHERE ${rule(table).key} = ?`,
    values: [key],
    effect: () => {},
  };
}

function remove(model: Model, random: Random): Statement | null {
  const table = random.pick(random.below(4) === 0 ? tableNames : tableNames.filter((name) => name !== 'Patient'));
  const key = anyKey(model, random, table);
  if (key === null) return null;
  return { sql: `DELETE FROM ${table} WHERE ${rule(table).key} = ?`, values: [key], effect: () => model.remove(table, key) };
}

function removeSiblings(model: Model, random: Random): Statement | null {
  const found = siblings(model, random);
  if (!found) return null;
  return {
    sql: `DELETE FROM ${found.table} WHERE ${found.column} = ?`,
    values: [found.parent],
    effect: () => {
      for (const key of found.keys) model.remove(found.table, key);
    },
  };
}

/** Deletes and inserts in one statement: one version. */
function replace(model: Model, random: Random): Statement | null {
  const table = random.pick(tableNames.filter((name) => name !== 'Patient'));
  const key = anyKey(model, random, table);
  const row = randomRow(model, random, table);
  if (key === null || !row) return null;
  // The time at which the row was made is shown by some: another one than before, whatever the clock says.
  const made = { created_at: new Date(random.below(2 ** 30) * 1000).toISOString().slice(0, 19).replace('T', ' ') };
  const whole = { [rule(table).key]: key, ...row, ...(rule(table).showsCreation ? made : {}) };
  return { ...insertSql(table, [whole], 'REPLACE'), effect: () => model.replace(table, key, row) };
}

function upsert(model: Model, random: Random): Statement | null {
  const table = random.pick(tableNames);
  const key = anyKey(model, random, table);
  const row = randomRow(model, random, table);
  if (key === null || !row) return null;
  const change = randomChange(model, random, table);
  const [column] = Object.keys(change);
  const { sql, values } = insertSql(table, [{ [rule(table).key]: key, ...row }]);
  return {
    sql: `${sql} ON DUPLICATE KEY UPDATE ${column} = ?`,
    values: [...values, ...Object.values(change)],
    effect: () => model.update(table, key, change),
  };
}
