/** Random rows of MediMax's nine tables: everything they can hold, whoever wrote it, non-strict writers included. */
import fc from 'fast-check';
import { type Column, type TableName, tables } from '../../../src/mapping/tables.ts';
import type { Columns, ColumnValue, Source, Stored } from '../../../src/mapping/types.ts';
import { longText, scripts, text } from './primitives.ts';

export interface RowOptions {
  /** Columns that are not random: keys, the source's `where`. */
  readonly fixed?: Columns;
  /** True for rows that pass MediMax's CHECKs, to be inserted; false adds what stands in tables that were made without them. */
  readonly checked?: boolean;
  /** False leaves out what only a session that is not strict can write: '' enums, zero and partial dates. */
  readonly loose?: boolean;
}

export function anyRow(table: TableName, options: RowOptions = {}): fc.Arbitrary<Columns> {
  const { key, columns, belongsTo } = tables[table];
  const model: Record<string, fc.Arbitrary<ColumnValue>> = {};
  for (const [name, column] of Object.entries(columns)) {
    const fixed = options.fixed?.[name];
    if (fixed !== undefined) model[name] = fc.constant(fixed);
    else if (name === key || name === belongsTo?.column || name === 'patient_id') model[name] = fc.constant(1);
    else model[name] = anyValue(column, options.loose ?? true);
  }
  const rows: fc.Arbitrary<Columns> = fc.record(model);
  return options.checked ? rows.map((row) => ({ ...row, ...checkedColumns(table, row) })) : rows;
}

/** A row with its parent and up to three children, as the repository would hand them to a mapping. */
export function anyStored(source: Source, options: RowOptions = {}): fc.Arbitrary<Stored> {
  const fixed = { ...(source.where ? { [source.where.column]: source.where.value } : {}), ...options.fixed };
  const { parent, child } = source;
  return fc.record({
    row: anyRow(source.table, { ...options, fixed }),
    parent: parent ? anyRow(parent.table, { ...options, fixed: {} }) : fc.constant(null),
    children: child
      ? fc.array(anyRow(child.table, { ...options, fixed: {} }), { maxLength: 3 }).map((rows) =>
          rows.map((row, index) => ({
            row: { ...row, [child.key]: index + 1 },
            id: child.resourceType === undefined ? null : `sy-${index + 1}`,
          })),
        )
      : fc.constant([]),
    patientId: fc.constantFrom('pt-1', 'a.client-chosen.ID'),
    parentId: fc.constant(parent?.resourceType === undefined ? null : 'ap-1'),
  });
}

/** Every value a column can hold. */
export function anyValue(column: Column, loose = true): fc.Arbitrary<ColumnValue> {
  const some = nonNull(column, loose);
  return column.nullable ? fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 4, arbitrary: some }) : some;
}

function nonNull(column: Column, loose: boolean): fc.Arbitrary<ColumnValue> {
  switch (column.type) {
    case 'int':
      return fc.integer({ min: 1, max: 2_147_483_647 });
    case 'varchar':
      return anyText(column.max ?? 255, longText(column.max ?? 255));
    case 'text':
      return anyText(16_000, fc.constantFrom('a'.repeat(65_535), '😀'.repeat(16_383), 'line\r\n'.repeat(5_000)));
    case 'date':
      return loose ? fc.oneof({ weight: 3, arbitrary: calendarDay }, { weight: 1, arbitrary: oddDate }) : calendarDay;
    case 'time':
      return clockTime;
    case 'enum':
      return fc.constantFrom(...(column.values ?? []), ...(loose ? [''] : []));
    case 'flag':
      return fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom(0, 1) },
        { weight: 1, arbitrary: fc.constantFrom(2, -1, 127, -128) },
      );
    case 'timestamp':
      return loose
        ? fc.oneof({ weight: 9, arbitrary: stamp }, { weight: 1, arbitrary: fc.constant('0000-00-00 00:00:00') })
        : stamp;
  }
}

/** Clinical words among them, so that grammars and term tables are met and not only missed. */
const clinical = fc.constantFrom(
  'Hypertension',
  'NKDA',
  'no known allergies',
  'Glucose',
  '5.40',
  '<0.5',
  '>= 200',
  '1:40',
  '120/80',
  'negative',
  'mg/dL',
  'K/uL',
  '3.5-5.0',
  'up to 40',
  '500 mg',
  '1-2 tablets',
  'twice daily',
  'BID',
  'every 8 hours as needed',
  '3 days',
  'Smith, John',
  'Dr. Müller',
);
/** What FHIR strings may not hold, or not alone; no lone surrogates, which utf8mb4 does not hold either. */
const awkward = fc.constantFrom(
  '',
  ' ',
  '\t\r\n',
  '\u0000',
  'a\u0000b\u001f',
  '\u0008',
  '\u007f\u0085',
  '\u00a0',
  '\u3000',
  '\u2028',
  '\ufeff',
  '\u202eabc',
  'no\u00a0break\u3000wide\u2028line',
  ' padded ',
);

function anyText(maxLength: number, longest: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const within = (value: string) => ([...value].length <= maxLength ? value : [...value].slice(0, maxLength).join(''));
  return fc.oneof(
    { weight: 4, arbitrary: clinical.map(within) },
    { weight: 3, arbitrary: text.map(within) },
    { weight: 2, arbitrary: fc.constantFrom(...scripts).map(within) },
    { weight: 2, arbitrary: awkward },
    { weight: 1, arbitrary: longest },
  );
}

const two = (value: number) => String(value).padStart(2, '0');
const calendarDay = fc
  .tuple(
    fc.oneof(
      { weight: 1, arbitrary: fc.constantFrom(1000, 1582, 2000, 9999) },
      { weight: 5, arbitrary: fc.integer({ min: 1900, max: 2035 }) },
    ),
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 28 }),
  )
  .map(([year, month, day]) => `${year}-${two(month)}-${two(day)}`);
const oddDate = fc.constantFrom(
  '1985-00-00',
  '1985-05-00',
  '0000-00-00',
  '0000-05-01',
  '1985-00-12',
  '2024-02-29',
  '2023-02-29',
  '2023-02-31',
);
const clockTime = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map(([h, m]) => `${two(h)}:${two(m)}:00`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '838:59:59',
      '-838:59:59',
      '-01:00:00',
      '24:00:00',
      '23:59:59',
      '02:30:00',
      '100:00:00',
      '00:00:00',
    ),
  },
);
const stamp = fc
  .tuple(fc.integer({ min: 1971, max: 2037 }), fc.integer({ min: 1, max: 12 }))
  .map(([year, month]) => `${year}-${two(month)}-09 07:08:09`);

/** The columns changed so that MediMax's CHECKs pass. */
function checkedColumns(table: TableName, row: Columns): Columns {
  const named: Partial<Record<TableName, string>> = {
    Patient: 'name',
    Medical_History: 'history_item',
    Medication: 'medicine_name',
    Lab_Finding: 'test_value',
  };
  const name = named[table];
  const filled = name !== undefined && row[name] === '' ? { [name]: 'x' } : {};
  if (table === 'Medication' && row['is_continued'] !== 1 && row['is_continued'] !== null)
    return { ...filled, discontinued_date: row['discontinued_date'] ?? '2024-01-31' };
  if (table === 'Lab_Finding' && row['is_abnormal'] !== 0 && row['is_abnormal'] !== null)
    return { ...filled, abnormal_flag: row['abnormal_flag'] ?? 'high' };
  return filled;
}
