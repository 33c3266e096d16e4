/** Ctrl-C, SIGTERM and a closed terminal: the first asks for an orderly end, the second forces it. */

export interface Ending {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Resolves at the first signal. */
  readonly asked: Promise<void>;
  /** To be done, without waiting, when the end is forced. */
  readonly whenForced: (action: () => void) => void;
}

/** npm passes Ctrl-C on to a process that the terminal has told already: what comes within this time is the same signal. */
const sameSignalMs = 500;

/** Listens to the signals of this process from now on. */
export function listenForEnding(say: (line: string) => void): Ending {
  const controller = new AbortController();
  const forced: (() => void)[] = [];
  let askedAt: number | undefined;
  const asked = new Promise<void>((resolve) => controller.signal.addEventListener('abort', () => resolve(), { once: true }));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      const now = performance.now();
      if (askedAt === undefined) {
        askedAt = now;
        say('Stopping: running requests may finish. Once more to stop at once.');
        controller.abort();
      } else if (now - askedAt > sameSignalMs) {
        for (const action of forced) action();
        process.exit(130);
      }
    });
  }
  return { signal: controller.signal, asked, whenForced: (action) => void forced.push(action) };
}
