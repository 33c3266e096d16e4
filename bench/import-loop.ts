/** The importing process of the benches: takes a file in and loads it, as the command line does, and says how long that took. */
import { createReadStream } from 'node:fs';
import { readConfig } from '../src/config.ts';
import { openGateway } from '../src/gateway.ts';
import { createImportDesk } from '../src/import/desk.ts';
import { importParts } from '../src/import/parts.ts';
import { runJob } from '../src/import/turn.ts';
import { turnsHere } from '../src/import/turns.ts';
import { createLog } from '../src/log.ts';
import { importThreads } from '../src/worker.ts';
import type { LoopAnswer, LoopOrder } from './loop.ts';

export interface ImportOrder {
  readonly file: string;
  readonly lines: number;
  /** Lines that were loaded before: they must be recognised. */
  readonly again: boolean;
  /** One chunk after the other in one thread, so that the times of stages are their own. */
  readonly inTurn?: boolean;
}

export interface ImportReport extends LoopAnswer {
  /** Milliseconds by stage; only of what was done `inTurn`. */
  readonly stages: Readonly<Record<string, number>>;
}

process.on('disconnect', () => process.exit(0));
process.on('message', ({ argument }: LoopOrder) => {
  work(argument as ImportOrder).then(
    (answer) => process.send?.(answer),
    (failure: unknown) => {
      console.error(failure);
      process.exit(1);
    },
  );
});

let opened: ReturnType<typeof open> | undefined;

async function open() {
  const config = readConfig(process.env);
  const gateway = await openGateway(config);
  const parts = importParts(gateway);
  return { desk: createImportDesk(parts, async () => {}), threads: importThreads(config, parts.pace) };
}

async function work({ file, lines, again, inTurn = false }: ImportOrder): Promise<ImportReport> {
  opened ??= open();
  const { desk, threads } = await opened;
  const { chunksAtOnce } = desk.parts.config.import;
  const stages: Record<string, number> = {};
  const log = createLog('debug', (line) => addStages(stages, line));
  const stream = createReadStream(file, { highWaterMark: 1024 * 1024 });
  const started = performance.now();
  const job = await desk.receive({ source: 'lab', dryRun: false }, [{ name: 'lab.ndjson', kind: 'ndjson', stream }]);
  stages['receiveMs'] = performance.now() - started;
  await runJob(inTurn ? turnsHere(desk.parts, log) : threads, job.id, { atOnce: inTurn ? 1 : chunksAtOnce });
  const seconds = (performance.now() - started) / 1000;
  const { counts } = await desk.parts.store.progress(job.id);
  const wanted = again ? 'unchanged' : 'created';
  const done = Object.values(counts).reduce((sum, byStatus) => sum + (byStatus[wanted] ?? 0), 0);
  if (done !== lines) throw new Error(`Of ${lines} lines ${done} were ${wanted}: ${JSON.stringify(counts)}`);
  return { done, seconds, stages };
}

function addStages(stages: Record<string, number>, line: string): void {
  const event: Readonly<Record<string, unknown>> = JSON.parse(line);
  if (event['event'] !== 'import-chunk-done') return;
  for (const [name, value] of Object.entries(event))
    if (name.endsWith('Ms') && typeof value === 'number') stages[name] = (stages[name] ?? 0) + value;
}
