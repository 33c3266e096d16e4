/** A thread of imports that tells of each turn which thread it was. */
import { parentPort, threadId } from 'node:worker_threads';
import type { TurnAnswer, TurnOrder } from '../../src/import/turn-threads.ts';

parentPort?.on('message', (order: TurnOrder) => {
  if (typeof order === 'object')
    parentPort?.postMessage({ turn: order.turn, result: { kind: 'worked', chunk: threadId } } satisfies TurnAnswer);
  else if (order === 'close') parentPort?.close();
});
