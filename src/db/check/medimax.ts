/** The integrity queries of MediMax's own documentation: orphans of every kind, values outside the ENUMs; and flags that contradict each other. */
import { type TableName, tables } from '../../mapping/tables.ts';
import type { Session } from '../pool.ts';
import { examplesMax, type Finding } from './finding.ts';

export async function checkMedimax(session: Session): Promise<readonly Finding[]> {
  const findings: (Finding | null)[] = [];
  for (const table of Object.values(tables)) {
    const { belongsTo, name, key } = table;
    if (belongsTo) {
      const from = `${name} t LEFT JOIN ${belongsTo.table} p ON p.${tables[belongsTo.table].key} = t.${belongsTo.column} WHERE p.${tables[belongsTo.table].key} IS NULL`;
      const text = `Rows of ${name} belong to no ${belongsTo.table}.`;
      findings.push(await counted(session, name, key, from, { check: `orphan-${name}`, severity: 'error', text }));
    }
    for (const [column, { type, values }] of Object.entries(table.columns)) {
      if (type === 'enum' && values) {
        const list = values.map((value) => `'${value}'`).join(', ');
        const text = `${name}.${column} is none of its documented values ('' included).`;
        const from = `${name} t WHERE t.${column} IS NOT NULL AND t.${column} NOT IN (${list})`;
        findings.push(await counted(session, name, key, from, { check: `enum-${name}.${column}`, severity: 'warning', text }));
      }
      if (type === 'date') {
        const text = `${name}.${column} has dates without a month, a day or a year.`;
        const from = `${name} t WHERE CAST(t.${column} AS CHAR) LIKE '%-00%' OR CAST(t.${column} AS CHAR) LIKE '0000-%'`;
        findings.push(await counted(session, name, key, from, { check: `date-${name}.${column}`, severity: 'warning', text }));
      }
    }
  }
  for (const { table, ...rule } of contradictions) {
    findings.push(
      await counted(session, table, tables[table].key, `${table} t WHERE ${rule.where}`, { ...rule, severity: 'warning' }),
    );
  }
  return findings.filter((finding) => finding !== null);
}

const contradictions: readonly {
  readonly check: string;
  readonly table: TableName;
  readonly where: string;
  readonly text: string;
}[] = [
  {
    check: 'flag-without-abnormal',
    table: 'Lab_Finding',
    where: "t.abnormal_flag IS NOT NULL AND t.abnormal_flag <> '' AND t.is_abnormal = 0",
    text: 'Findings have a flag (high, low, …) and are said not to be abnormal.',
  },
  {
    check: 'abnormal-without-flag',
    table: 'Lab_Finding',
    where: "t.is_abnormal = 1 AND (t.abnormal_flag IS NULL OR t.abnormal_flag = '')",
    text: 'Findings are abnormal and do not say how.',
  },
  {
    check: 'continued-and-discontinued',
    table: 'Medication',
    where: 't.is_continued = 1 AND t.discontinued_date IS NOT NULL AND t.discontinued_date <= CURDATE()',
    text: 'Medications are continued and have a past date on which they were discontinued.',
  },
  {
    check: 'discontinued-without-date',
    table: 'Medication',
    where: 't.is_continued = 0 AND t.discontinued_date IS NULL',
    text: 'Medications are discontinued and do not say when.',
  },
  {
    check: 'discontinued-before-prescribed',
    table: 'Medication',
    where: 't.discontinued_date < t.prescribed_date',
    text: 'Medications were discontinued before they were prescribed.',
  },
];

async function counted(
  session: Session,
  table: string,
  key: string,
  from: string,
  what: Pick<Finding, 'check' | 'severity' | 'text'>,
): Promise<Finding | null> {
  const [row] = await session.rows(`SELECT COUNT(*) FROM ${from}`);
  const count = Number(row?.[0] ?? 0);
  if (count === 0) return null;
  const keys = await session.rows(`SELECT t.${key} FROM ${from} ORDER BY t.${key} LIMIT ${examplesMax}`);
  return { ...what, count, examples: keys.map(([one]) => `${table} ${one}`), isFixable: false };
}
