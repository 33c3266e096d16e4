/** Work without HTTP in its own process: a loop that runs for as long as it is told, and says how often it went round. */

export interface LoopOrder {
  readonly durationMs: number;
  readonly argument: unknown;
}

export interface LoopAnswer {
  readonly done: number;
  readonly seconds: number;
}

/**
 * Called once by a module that `site.loop` starts. `lane(argument, mayGoOn)` does the work while `mayGoOn()` is true and returns how often
 * it was done; `lanes` of them run at a time.
 */
export function serveLoop(lanes: number, lane: (argument: unknown, mayGoOn: () => boolean, at: number) => Promise<number>): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', ({ durationMs, argument }: LoopOrder) => {
    const started = performance.now();
    const mayGoOn = () => performance.now() - started < durationMs;
    Promise.all(Array.from({ length: lanes }, (_, at) => lane(argument, mayGoOn, at))).then(
      (counts) => {
        const done = counts.reduce((sum, count) => sum + count, 0);
        process.send?.({ done, seconds: (performance.now() - started) / 1000 } satisfies LoopAnswer);
      },
      (failure: unknown) => {
        console.error(failure);
        process.exit(1);
      },
    );
  });
}
