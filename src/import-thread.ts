/** A thread that does turns of imports, with connections of its own. src/import/turn-threads.ts starts it and tells it what to do. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { Config } from './config.ts';
import { openGateway } from './gateway.ts';
import { importParts } from './import/parts.ts';
import type { TurnAnswer, TurnOrder } from './import/turn-threads.ts';
import { turnsHere } from './import/turns.ts';
import { createLog } from './log.ts';

/** Connections: each chunk holds one while it writes, and asks with others. */
const poolMax = 6;

/** MediMax's statements and those who are served come first when the processor is short. */
const niceness = 19;

const port = parentPort;
if (!port) throw new Error('This module is run as a thread');
const answer = (message: TurnAnswer) => port.postMessage(message);

// On Linux a priority is a thread's own; elsewhere this would slow the whole process down.
if (process.platform === 'linux') setPriority(0, niceness);

const given = workerData as Config; // of turn-threads.ts
const config: Config = { ...given, db: { ...given.db, poolMin: 1, poolMax } };
const log = createLog(config.log.level, (line, urgent) => answer({ log: line, urgent }));

// Orders wait at the port until somebody listens.
const gateway = await openGateway(config);
const turns = turnsHere(importParts(gateway), log);

port.on('message', (order: TurnOrder) => {
  if (order === 'stop') turns.stop();
  else if (order === 'close') void close();
  else void take(order.turn, order.jobId);
});

async function take(turn: number, jobId: number): Promise<void> {
  try {
    answer({ turn, result: await turns.run(jobId) });
  } catch (failure) {
    log.warn('import-turn', failure instanceof Error ? { failure } : {});
    answer({ turn, failed: true });
  }
}

async function close(): Promise<void> {
  await turns.close();
  await gateway.close();
  port?.close();
  // The driver leaves the timers of statements whose connection was lost, which would keep the thread for as long as one may take.
  setTimeout(() => process.exit(), 100).unref();
}
