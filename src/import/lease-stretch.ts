/** A worker that is slower than its leases has its chunks taken away again and again, and does nothing to the end: it asks for longer ones. */

export interface LeaseStretch {
  /** How long a chunk is asked for, in milliseconds. `leaseMs`: how long while all is well. */
  of(leaseMs: number): number;
  /** To be told when another has taken a chunk that was still being worked on. */
  tooShort(): void;
  /** To be told how long a chunk took that had been asked for so long. */
  longEnough(tookMs: number, askedMs: number): void;
}

/** A worker that dies keeps its chunks from others for the lease that it has asked for, so it does not grow without end. */
const factorMax = 64;

/** A lease shrinks when it was this many times as long as the work: half of it is then still twice the work, and nothing swings. */
const roomy = 4;

/** Of a process, or a thread of it: what has made it slow once (the machine, a stop) is soon over, or there for long. */
export function createLeaseStretch(): LeaseStretch {
  let factor = 1;
  return {
    of: (leaseMs) => leaseMs * factor,
    tooShort() {
      factor = Math.min(factor * 2, factorMax);
    },
    longEnough(tookMs, askedMs) {
      if (tookMs * roomy < askedMs) factor = Math.max(factor / 2, 1);
    },
  };
}
