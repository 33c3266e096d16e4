/** A worker that is slower than its leases has its chunks taken away again and again, and does nothing to the end: it asks for longer ones. */

export interface LeaseStretch {
  /** How long a chunk is asked for, in milliseconds. `leaseMs`: how long while all is well. */
  of(leaseMs: number): number;
  /** To be told when another has taken a chunk that was still being worked on. */
  tooShort(): void;
}

/** A worker that dies keeps its chunks from others for the lease that it has asked for, so it does not grow without end. */
const factorMax = 64;

/** For the life of a process, or a thread of it: what has made it slow once (the machine, a line) is likely to be there still. */
export function createLeaseStretch(): LeaseStretch {
  let factor = 1;
  return {
    of: (leaseMs) => leaseMs * factor,
    tooShort() {
      factor = Math.min(factor * 2, factorMax);
    },
  };
}
