/** The importing process of the bench: takes a batch of lines in and loads it, as the command line does, and says how long that took. */
import { readConfig } from '../src/config.ts';
import { openGateway } from '../src/gateway.ts';
import { createImportDesk } from '../src/import/desk.ts';
import { importParts } from '../src/import/parts.ts';
import { runJob } from '../src/import/turn.ts';
import { createLog } from '../src/log.ts';
import { labLines } from './import-lines.ts';
import type { LoopAnswer, LoopOrder } from './loop.ts';

export interface ImportOrder {
  readonly start: number;
  readonly lines: number;
  /** Lines that were loaded before: they must be recognised. */
  readonly again: boolean;
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
  const gateway = await openGateway(readConfig(process.env));
  return createImportDesk(importParts(gateway), async () => {});
}

async function work({ start, lines, again }: ImportOrder): Promise<LoopAnswer> {
  opened ??= open();
  const desk = await opened;
  const text = Buffer.from([...labLines(lines, start)].join('\n'));
  const stream = (async function* () {
    for (let at = 0; at < text.length; at += 65_536) yield text.subarray(at, at + 65_536);
  })();
  const { chunksAtOnce, leaseMs } = desk.parts.config.import;
  const started = performance.now();
  const job = await desk.receive({ source: 'lab', dryRun: false }, [{ name: 'lab.ndjson', kind: 'ndjson', stream }]);
  await runJob(desk.parts, job.id, { atOnce: chunksAtOnce, leaseMs, log: createLog('warn') });
  const seconds = (performance.now() - started) / 1000;
  const { counts } = await desk.parts.store.progress(job.id);
  const wanted = again ? 'unchanged' : 'created';
  const done = Object.values(counts).reduce((sum, byStatus) => sum + (byStatus[wanted] ?? 0), 0);
  if (done !== lines) throw new Error(`Of ${lines} lines ${done} were ${wanted}: ${JSON.stringify(counts)}`);
  return { done, seconds };
}
