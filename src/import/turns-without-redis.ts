/** What a worker does while Redis does not answer: the jobs take turns here for a while, as the database knows which chunks are free. */
import type { TurnResult } from './job.ts';

/** Ends when none of the jobs has anything to do at once, when the time is over, or when the process is ending. */
export async function takeTurns(
  run: (jobId: number) => Promise<TurnResult>,
  jobIds: readonly number[],
  { atOnce, untilMs, isEnding }: { readonly atOnce: number; readonly untilMs: number; readonly isEnding: () => boolean },
): Promise<void> {
  const waiting = Array.from({ length: atOnce }).flatMap(() => jobIds);
  const work = async () => {
    while (Date.now() < untilMs && !isEnding()) {
      const jobId = waiting.shift();
      if (jobId === undefined) return;
      const { kind } = await run(jobId);
      if (kind === 'worked') waiting.push(jobId);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
