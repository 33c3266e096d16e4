/** Checks of the gateway's own tables: that every row has its resource, every resource its row, every version its place. */
import type { CompiledVariant } from '../../mapping/compile.ts';
import type { Registry } from '../../mapping/registry.ts';
import { tables } from '../../mapping/tables.ts';
import type { Source } from '../../mapping/types.ts';
import { placeOf } from '../journal/entry.ts';
import { linkedVariants, looseTies, unlessLinked } from '../linked-rows.ts';
import type { Session } from '../pool.ts';
import { compareTriggers, describeTriggers } from '../triggers/install.ts';
import { examplesMax, type Finding } from './finding.ts';

export async function checkBooks(session: Session, registry: Registry, withTriggers: boolean): Promise<readonly Finding[]> {
  const findings: (Finding | null)[] = [];
  for (const { variants } of registry.mappings) {
    for (const variant of variants)
      findings.push(await rowsWithoutResource(session, variant), await resourcesWithoutRow(session, variant));
  }
  for (const variant of linkedVariants(registry)) {
    const sql = `SELECT CONCAT('${variant.variant.source.table} ', l.row_key) ${looseTies(variant)}`;
    const text = `Rows are tied as further rows to no ${variant.resourceType} that is there.`;
    findings.push(await named(session, sql, { check: 'linked-rows-loose', severity: 'error', text, isFixable: true }));
  }
  for (const { sql, ...what } of queries) findings.push(await named(session, sql, what));
  if (withTriggers) {
    const state = await compareTriggers(session, registry);
    const texts = describeTriggers(state);
    const names = [...state.missing, ...state.outdated].map(({ name }) => name).concat(state.superfluous);
    if (texts.length > 0) {
      const text = `${texts.join(' ')} \`migrate\` puts them right.`;
      findings.push({
        check: 'triggers',
        severity: 'error',
        count: names.length,
        text,
        examples: names.slice(0, examplesMax),
        isFixable: false,
      });
    }
  }
  return findings.filter((finding) => finding !== null);
}

type Query = Pick<Finding, 'check' | 'severity' | 'text' | 'isFixable'> & { readonly sql: string };

/** Each selects the names of what is wrong. */
const queries: readonly Query[] = [
  {
    check: 'versions-without-resource',
    severity: 'warning',
    text: 'Past versions belong to no resource.',
    isFixable: true,
    sql: "SELECT CONCAT('rid ', v.rid) FROM fhir_version v LEFT JOIN fhir_resource r ON r.rid = v.rid WHERE r.rid IS NULL",
  },
  {
    check: 'versions-missing',
    severity: 'error',
    text: 'Resources lack past versions: their history has gaps.',
    isFixable: false,
    sql:
      "SELECT CONCAT(r.type, '/', r.id) FROM fhir_resource r LEFT JOIN (SELECT rid, COUNT(*) n FROM fhir_version GROUP BY rid) v ON v.rid = r.rid " +
      'WHERE r.version <> 1 + COALESCE(v.n, 0)',
  },
  {
    check: 'versions-ahead',
    severity: 'error',
    text: 'A past version has the number of the current one, or a greater one: the next change of the resource would fail.',
    isFixable: true,
    sql: "SELECT CONCAT(r.type, '/', r.id) FROM fhir_version v JOIN fhir_resource r ON r.rid = v.rid WHERE v.version >= r.version",
  },
  {
    check: 'versions-unknown',
    severity: 'information',
    text: 'Past versions whose content is not known, as no trigger saw the change that ended them.',
    isFixable: false,
    sql: "SELECT CONCAT(r.type, '/', r.id, '/_history/', v.version) FROM fhir_version v JOIN fhir_resource r ON r.rid = v.rid WHERE v.state = 0 AND v.doc IS NULL",
  },
  {
    check: 'documents-damaged',
    severity: 'error',
    text: 'Documents of past versions are no JSON.',
    isFixable: false,
    sql: "SELECT CONCAT('rid ', rid, ' version ', version) FROM fhir_version WHERE doc IS NOT NULL AND NOT JSON_VALID(doc)",
  },
  {
    check: 'changes-missing',
    severity: 'error',
    text: 'Current versions are not in the change feed: histories and caches do not know of them.',
    isFixable: true,
    sql:
      "SELECT CONCAT(r.type, '/', r.id) FROM fhir_resource r LEFT JOIN fhir_change c ON c.rid = r.rid AND c.version = r.version " +
      'WHERE c.change_id IS NULL AND r.state < 2',
  },
  {
    check: 'changes-twice',
    severity: 'error',
    text: 'Versions are in the change feed more than once.',
    isFixable: true,
    sql: "SELECT CONCAT('rid ', rid, ' version ', version) FROM fhir_change GROUP BY rid, version HAVING COUNT(*) > 1",
  },
  {
    check: 'journal-waiting',
    severity: 'error',
    text: 'Changes of MediMax have waited for more than a minute to be entered in the books.',
    isFixable: true,
    sql: "SELECT CONCAT('entry ', entry_id) FROM fhir_journal WHERE made < UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE",
  },
  {
    check: 'troubles',
    severity: 'error',
    text: 'Changes of MediMax could not be noted or entered: the versions of these rows are not complete.',
    isFixable: true,
    sql: "SELECT CONCAT(place, ' ', source_key, ': error ', errno) FROM fhir_trouble",
  },
];

async function named(session: Session, sql: string, what: Omit<Query, 'sql'>): Promise<Finding | null> {
  const [row] = await session.rows(`SELECT COUNT(*) FROM (${sql}) found`);
  const count = Number(row?.[0] ?? 0);
  if (count === 0) return null;
  const examples = await session.rows(`${sql} LIMIT ${examplesMax}`);
  return { ...what, count, examples: examples.map(([name]) => String(name)) };
}

/** What MediMax has changed while this looks is entered by whoever reads next. */
function unlessWaiting({ table, key }: Source, rowKey: string): string {
  return ` AND NOT EXISTS (SELECT 1 FROM fhir_journal j WHERE j.row_key = ${rowKey.replace('KEY', key)} AND j.place = ${placeOf(table)})`;
}

function rowsWithoutResource(
  session: Session,
  { resourceType, name, variant: { source } }: CompiledVariant,
): Promise<Finding | null> {
  const where = source.where ? ` AND t.${source.where.column} = '${source.where.value}'` : '';
  // A row that hangs in the air is reported as an orphan; it belongs to no patient and is not served.
  const { belongsTo } = tables[source.table];
  const parent = belongsTo ? ` JOIN ${belongsTo.table} b ON b.${tables[belongsTo.table].key} = t.${belongsTo.column}` : '';
  const sql =
    `SELECT CONCAT('${source.table} ', t.${source.key}) FROM ${source.table} t${parent} LEFT JOIN fhir_resource r ON r.type = '${resourceType}' ` +
    `AND r.variant = '${name}' AND r.source_key = t.${source.key} AND r.state <> 1 WHERE r.rid IS NULL${where}${unlessLinked(source, 't')}${unlessWaiting(source, 't.KEY')}`;
  const text = `Rows of ${source.table} that should be a ${resourceType} are not served.`;
  return named(session, sql, { check: `row-without-resource-${resourceType}-${name}`, severity: 'error', text, isFixable: true });
}

function resourcesWithoutRow(
  session: Session,
  { resourceType, name, variant: { source } }: CompiledVariant,
): Promise<Finding | null> {
  const where = source.where ? ` AND t.${source.where.column} = '${source.where.value}'` : '';
  const sql =
    `SELECT CONCAT(r.type, '/', r.id) FROM fhir_resource r LEFT JOIN ${source.table} t ON t.${source.key} = r.source_key${where} ` +
    `WHERE r.type = '${resourceType}' AND r.variant = '${name}' AND r.state = 0 AND t.${source.key} IS NULL${unlessWaiting(source, 'r.source_key')}`;
  const text = `Resources of type ${resourceType} have lost their row of ${source.table} without a deletion being entered.`;
  return named(session, sql, { check: `resource-without-row-${resourceType}-${name}`, severity: 'error', text, isFixable: true });
}
