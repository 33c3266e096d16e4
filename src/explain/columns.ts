/** The columns a resource is made of: where each is, and other values it might have had. */
import { type Column, type TableName, tables } from '../mapping/tables.ts';
import type { Columns, ColumnValue, Source, Stored } from '../mapping/types.ts';

export interface ColumnPlace {
  readonly table: string;
  readonly column: string;
  /** Of the row; null for a draft, which has none yet. */
  readonly key: number | null;
  readonly value: ColumnValue;
  readonly part: 'row' | 'parent' | 'child';
  /** The stored rows with another value in this column, several times. */
  readonly variations: readonly Stored[];
}

export function columnPlaces(source: Source, stored: Stored): readonly ColumnPlace[] {
  if ('rowless' in source && source.rowless) return [];
  const { parent, child } = source;
  return [
    ...placesIn(source.table, source.key, stored.row, 'row', (row) => withIds(source, stored, { ...stored, row })),
    ...(parent && stored.parent
      ? placesIn(parent.table, parent.key, stored.parent, 'parent', (row) => withIds(source, stored, { ...stored, parent: row }))
      : []),
    ...(child
      ? stored.children.flatMap(({ row, id }, index) =>
          placesIn(child.table, child.key, row, 'child', (changed) => {
            const isOther = changed[child.key] !== row[child.key];
            const children = stored.children.with(index, { row: changed, id: isOther && id !== null ? 'another' : id });
            return { ...stored, children };
          }),
        )
      : []),
  ];
}

/** Another key is another resource's. */
function withIds(source: Source, before: Stored, after: Stored): Stored {
  const patientKey = ({ row, parent }: Stored) => (source.patient === 'parent' ? parent?.['patient_id'] : row['patient_id']);
  const parentKey = ({ row }: Stored) => (source.parent ? row[source.parent.foreignKey] : undefined);
  return {
    ...after,
    patientId: patientKey(before) === patientKey(after) ? before.patientId : 'another',
    parentId: parentKey(before) === parentKey(after) || before.parentId === null ? before.parentId : 'another',
  };
}

function placesIn(
  table: TableName,
  keyColumn: string,
  row: Columns,
  part: ColumnPlace['part'],
  changed: (row: Columns) => Stored,
): readonly ColumnPlace[] {
  const key = row[keyColumn];
  return Object.entries(tables[table].columns).map(([column, definition]): ColumnPlace => {
    const value = row[column] ?? null;
    const others = otherValues(definition, value);
    return {
      table,
      column,
      key: typeof key === 'number' ? key : null,
      value,
      part,
      variations: others.map((other) => changed({ ...row, [column]: other })),
    };
  });
}

const samples: Readonly<Record<Column['type'], readonly ColumnValue[]>> = {
  int: [1_234_567],
  flag: [0, 1],
  varchar: ['', 'x'],
  text: ['', 'x'],
  date: ['1999-12-31', '2001-02-03'],
  time: ['00:00:00', '12:34:56'],
  enum: [],
  timestamp: ['2001-02-03 04:05:06'],
};

/** NULL even where the column forbids it: an element that then goes away came from there. */
function otherValues({ type, values = [] }: Column, value: ColumnValue): readonly ColumnValue[] {
  const near: readonly ColumnValue[] = typeof value === 'string' && (type === 'varchar' || type === 'text') ? [`${value} x`] : [];
  return [null, ...values, ...samples[type], ...near].filter((other) => other !== value);
}
