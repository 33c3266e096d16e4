/** A gateway with its import side, for tests, and short ways to import and to look at what came of it. */
import { type Config, readConfig } from '../../src/config.ts';
import { migrateUp } from '../../src/db/migrate.ts';
import { createGatewayRegistry, type Gateway, openGateway } from '../../src/gateway.ts';
import { createImportDesk, type ImportDesk } from '../../src/import/desk.ts';
import type { FileKind, Job } from '../../src/import/job.ts';
import { importParts } from '../../src/import/parts.ts';
import { type ReportKind, reportLines } from '../../src/import/report.ts';
import { runJob } from '../../src/import/turn.ts';
import { turnsHere } from '../../src/import/turns.ts';
import { createLog, type Log } from '../../src/log.ts';
import { tables } from '../../src/mapping/tables.ts';
import { freshDatabase } from '../support/servers.ts';

export interface LineReport {
  readonly line: number;
  readonly offset: number;
  readonly status: string;
  readonly severity: string | undefined;
  readonly code: string | undefined;
  readonly text: string | undefined;
  readonly expression: string | undefined;
}

export interface ImportGateway {
  readonly config: Config;
  readonly gateway: Gateway;
  readonly desk: ImportDesk;
  readonly log: Log;
  readonly logLines: readonly string[];
  run(job: Job, atOnce?: number): Promise<void>;
  report(job: Job, kind: ReportKind): Promise<readonly LineReport[]>;
  /** Rows in each of MediMax's tables, and versions. */
  tables(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

export async function startImportGateway(env: Readonly<Record<string, string>> = {}): Promise<ImportGateway> {
  const database = await freshDatabase();
  const config = readConfig({ ...database.env, DB_POOL_MIN: '1', DB_POOL_MAX: '8', ...env });
  await migrateUp(config, createGatewayRegistry());
  const gateway = await openGateway(config);
  const given = importParts(gateway);
  const logLines: string[] = [];
  const log = createLog('debug', (line) => logLines.push(line));
  return {
    config,
    gateway,
    desk: createImportDesk(given, async () => {}),
    log,
    logLines,
    run: (job, atOnce = 2) => runJob(turnsHere(given, log), job.id, { atOnce }),
    async report(job, kind) {
      const text: Buffer[] = [];
      for await (const part of reportLines(given, job, kind)) text.push(part);
      return Buffer.concat(text).toString().split('\n').filter(Boolean).map(read);
    },
    async tables() {
      const counts: Record<string, number> = {};
      for (const table of [...Object.keys(tables), 'fhir_resource', 'fhir_version', 'fhir_change']) {
        const [row] = await given.store.session.rows(`SELECT COUNT(*) FROM ${table}`);
        counts[table] = Number(row?.[0]);
      }
      return counts;
    },
    async close() {
      await gateway.close();
      await database.drop();
    },
  };
}

function read(json: string): LineReport {
  const { extension, issue } = JSON.parse(json);
  const of = (name: string) => {
    const found = extension.find((one: { url: string }) => one.url.endsWith(`medimax-import-${name}`)) ?? {};
    return found.valuePositiveInt ?? found.valueDecimal ?? found.valueCode;
  };
  const [first] = issue;
  return {
    line: of('line'),
    offset: of('offset'),
    status: of('status'),
    severity: first?.severity,
    code: first?.code,
    text: first?.details?.text,
    expression: first?.expression?.[0],
  };
}

/** Imports these lines (or this text) to the end. */
export async function importLines(
  given: ImportGateway,
  source: string,
  lines: readonly (object | string)[] | string,
  kind: FileKind = 'ndjson',
  options: { readonly dryRun?: boolean } = {},
): Promise<Job> {
  const text =
    typeof lines === 'string' ? lines : lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  const stream = (async function* () {
    const bytes = Buffer.from(text);
    for (let start = 0; start < bytes.length; start += 1000) yield bytes.subarray(start, start + 1000);
  })();
  const job = await given.desk.receive({ source, dryRun: options.dryRun ?? false }, [{ name: 'test.ndjson', kind, stream }]);
  await given.run(job);
  return job;
}

export async function summary(given: ImportGateway, job: Job): Promise<Record<string, Partial<Record<string, number>>>> {
  const { counts } = await given.desk.parts.store.progress(job.id);
  return Object.fromEntries(Object.entries(counts).map(([type, byStatus]) => [type, { ...byStatus }]));
}

/** Every resource of a source as it is served, versions included; times and keys of rows apart. */
export async function contentOf({ gateway, desk }: ImportGateway, source: string): Promise<string> {
  const rows = await desk.parts.store.session.rows(
    'SELECT type, rid FROM fhir_resource WHERE id LIKE ? AND state = 0 ORDER BY type, id',
    [`${source}.%`],
  );
  const lines: string[] = [];
  for (const [type, group] of Map.groupBy(rows, ([type]) => String(type))) {
    const records = await gateway.repository.readMany(
      type,
      group.map(([, rid]) => Number(rid)),
    );
    for (const record of records) {
      const served = gateway.repository.render(record);
      const identifier = Array.isArray(served['identifier'])
        ? served['identifier'].filter(({ system }) => system !== gateway.config.clinic.identifierSystem)
        : undefined;
      lines.push(`${record.version} ${JSON.stringify({ ...served, identifier, meta: undefined })}`);
    }
  }
  const [findings] = await desk.parts.store.session.rows(
    `SELECT COUNT(*), COUNT(DISTINCT f.lab_report_id) FROM Lab_Finding f JOIN fhir_resource r ON r.type = 'Observation' AND r.variant = 'Lab_Finding' AND r.source_key = f.lab_finding_id WHERE r.id LIKE ?`,
    [`${source}.%`],
  );
  lines.push(JSON.stringify(findings));
  return lines.sort().join('\n');
}
