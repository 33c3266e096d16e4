/** `import FILE…`: takes files of partners in and loads them, in this process, with a line of progress. See docs/import.md. */
import { createReadStream, createWriteStream, existsSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { styleText } from 'node:util';
import { createGunzip } from 'node:zlib';
import { openGateway } from '../gateway.ts';
import { createImportDesk, type ImportDesk } from '../import/desk.ts';
import { type FileKind, type Job, type PatientMerge, patientMerges } from '../import/job.ts';
import type { Progress } from '../import/job-progress.ts';
import { importParts } from '../import/parts.ts';
import type { Incoming } from '../import/receive.ts';
import { reportLines, settledStatuses, totalOf } from '../import/report.ts';
import { runJob } from '../import/turn.ts';
import { type Turns, turnsHere } from '../import/turns.ts';
import { createLog } from '../log.ts';
import { PlainError } from '../plain-error.ts';
import { importThreads } from '../worker.ts';
import type { Command, Context } from './command.ts';
import { migrate } from './parts.ts';
import { withServers } from './with-servers.ts';

interface Wishes {
  readonly source: string;
  readonly dryRun: boolean;
  readonly merge?: PatientMerge;
  readonly base?: string;
  readonly report?: string;
  readonly files: readonly string[];
}

export const importCommand: Command = {
  name: 'import',
  usage: '[--source=NAME] [--dry-run] [--merge=add|keep|overwrite] [--base=URL] [--report=FILE] FILE…',
  what: 'load NDJSON files and Bundles (.json), also gzipped, and tell what became of every line',
  run: (context) => {
    const wishes = parse(context.args);
    return withServers(context, 'join', async ({ config, databaseIsPrivate }) => {
      if (databaseIsPrivate) await migrate(config, 'up');
      const gateway = await openGateway(config);
      try {
        return await load(
          context,
          createImportDesk(importParts(gateway), async () => {}),
          wishes,
        );
      } finally {
        await gateway.close();
      }
    });
  },
};

async function load({ say, ending }: Context, desk: ImportDesk, wishes: Wishes): Promise<number> {
  const { config, store } = desk.parts;
  const startedMs = performance.now();
  const meter = progressLine(say);
  const { files, report, ...request } = wishes;
  const job = await desk.receive(request, files.map(open), (bytes) => meter.show(`Reading: ${megabytes(bytes)}`));
  const done = new AbortController();
  const watching = watch(desk, job, meter, done.signal, startedMs);
  const turns = await turnsFor(desk, job);
  ending.signal.addEventListener('abort', () => turns.stop());
  await runJob(turns, job.id, { atOnce: config.import.chunksAtOnce, signal: ending.signal }).finally(() => turns.close());
  done.abort();
  await watching;
  meter.end();
  if (ending.signal.aborted) {
    say(`Stopped. The rest is done by the workers of the gateway; DELETE ${config.http.baseUrl}/$import/${job.name} cancels it.`);
    return 1;
  }
  if (report !== undefined) await pipeline(reportLines(desk.parts, job, 'outcome'), createWriteStream(report));
  const { counts, lines } = await store.progress(job.id);
  for (const line of table(counts)) say(line);
  const seconds = (performance.now() - startedMs) / 1000;
  say(
    `${lines} lines in ${seconds.toFixed(1)} s, ${Math.round(lines / seconds)} a second.${wishes.dryRun ? ' Nothing was written: it was a dry run.' : ''}`,
  );
  const failed = totalOf(counts, ['failed']);
  if (failed > 0)
    say(`${failed} lines were not taken: ${report ?? `GET ${config.http.baseUrl}/$import/${job.name}/outcome says why`}`);
  return failed > 0 ? 1 : 0;
}

/** From so many chunks on the threads are worth the second that it takes to start them. */
const chunksForThreads = 6;

async function turnsFor({ parts }: ImportDesk, job: Job): Promise<Turns> {
  const { chunks } = await parts.store.progress(job.id);
  const config = { ...parts.config, log: { level: 'warn' as const } };
  return chunks < chunksForThreads ? turnsHere(parts, createLog('warn')) : importThreads(config, parts.pace);
}

async function watch(
  desk: ImportDesk,
  job: Job,
  meter: ReturnType<typeof progressLine>,
  end: AbortSignal,
  startedMs: number,
): Promise<void> {
  while (!end.aborted) {
    const progress = await desk.parts.store.progress(job.id).catch(() => null); // while the database is away, the bar stands still
    if (progress) meter.show(bar(progress, (performance.now() - startedMs) / 1000));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 500);
      end.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

function bar({ counts, lines }: Progress, seconds: number): string {
  const settled = totalOf(counts, settledStatuses);
  const width = 30;
  const full = lines === 0 ? 0 : Math.round((settled / lines) * width);
  return `[${'='.repeat(full)}${' '.repeat(width - full)}] ${settled} of ${lines} lines, ${Math.round(settled / seconds)} a second`;
}

/** One line that is written over where there is a terminal; else nothing. */
function progressLine(_say: Context['say']) {
  const { stdout } = process;
  return {
    show(text: string): void {
      if (stdout.isTTY) stdout.write(`\r${text.padEnd(79)}`);
    },
    end(): void {
      if (stdout.isTTY) stdout.write(`\r${' '.repeat(79)}\r`);
    },
  };
}

function table(counts: Readonly<Record<string, Readonly<Partial<Record<string, number>>>>>): string[] {
  const columns = ['created', 'updated', 'unchanged', 'merged', 'overtaken', 'no-table', 'failed', 'waiting', 'pending'].filter(
    (status) => Object.values(counts).some((byStatus) => byStatus[status]),
  );
  const name = Math.max(4, ...Object.keys(counts).map((type) => type.length));
  const row = (first: string, cells: readonly string[]) =>
    `${first.padEnd(name)}${cells.map((cell) => cell.padStart(11)).join('')}`;
  return [
    styleText('bold', row('Type', columns)),
    ...Object.entries(counts)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([type, byStatus]) =>
        row(
          type,
          columns.map((status) => String(byStatus[status] ?? '')),
        ),
      ),
  ];
}

function open(path: string): Incoming {
  const plain = path.replace(/\.gz$/, '');
  const kind: FileKind = /\.json$/i.test(plain) ? 'bundle' : 'ndjson';
  const file = createReadStream(path, { highWaterMark: 1024 * 1024 });
  return { name: basename(path), kind, stream: path.endsWith('.gz') ? file.pipe(createGunzip()) : file };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

function parse(args: readonly string[]): Wishes {
  const options: Record<string, string> = {};
  const files: string[] = [];
  for (const arg of args) {
    const [, name, value] = /^--([a-z-]+)(?:=(.*))?$/.exec(arg) ?? [];
    if (name === undefined) files.push(arg);
    else if (['source', 'merge', 'base', 'report', 'dry-run'].includes(name)) options[name] = value ?? '';
    else throw new PlainError(`import knows no option --${name}.`);
  }
  if (files.length === 0) throw new PlainError('import needs one or more files: NDJSON, or Bundles as .json, also with .gz.');
  const missing = files.filter((file) => !existsSync(file) || !statSync(file).isFile());
  if (missing.length > 0) throw new PlainError(`Not a file: ${missing.join(', ')}`);
  const merge = patientMerges.find((word) => word === options['merge']);
  if (options['merge'] !== undefined && merge === undefined)
    throw new PlainError(`--merge is one of ${patientMerges.join(', ')}.`);
  return {
    source: options['source'] ?? 'local',
    dryRun: options['dry-run'] !== undefined,
    files,
    ...(merge === undefined ? {} : { merge }),
    ...(options['base'] === undefined ? {} : { base: options['base'].replace(/\/+$/, '') }),
    ...(options['report'] === undefined ? {} : { report: options['report'] }),
  };
}
