/** Gathers look-ups that come in at the same time into one statement: the cost of a statement is shared by all requests that wait for it. */

/** Fetches the values of some keys; a key without a value has no entry. */
export type FetchMany<Value> = (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>;

interface Waiting<Value> {
  readonly key: string;
  readonly resolve: (value: Value | null) => void;
  readonly reject: (failure: unknown) => void;
}

/**
 * One look-up at a time out of `fetchMany`. Those that are asked for before the event loop has seen all that has arrived go
 * together, `most` at a time; each begins after it was asked for, so it sees every write that was acknowledged before. Where a statement for
 * several fails, each is tried on its own, so that one odd row is nobody else's trouble.
 */
export function gathered<Value>(fetchMany: FetchMany<Value>, most: number): (key: string) => Promise<Value | null> {
  let waiting: Waiting<Value>[] = [];

  const flush = () => {
    const all = waiting;
    waiting = [];
    for (let at = 0; at < all.length; at += most) void fetchFor(all.slice(at, at + most));
  };
  const fetchFor = async (group: readonly Waiting<Value>[]): Promise<void> => {
    try {
      const found = await fetchMany(group.map(({ key }) => key));
      for (const { key, resolve } of group) resolve(found.get(key) ?? null);
    } catch (failure) {
      if (group.length > 1) for (const one of group) void fetchFor([one]);
      else group[0]?.reject(failure);
    }
  };

  return (key) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ key, resolve, reject }) === 1) setImmediate(flush);
    });
}

/**
 * One piece of work at a time out of `run`, which does up to `most` together and settles each. Up to `lanes` groups are under way; what is
 * asked for meanwhile makes up the next ones. So a group grows with the load, and a single piece waits for nobody.
 */
export function inGroups<Piece, Result>(
  run: (pieces: readonly Piece[]) => Promise<readonly PromiseSettledResult<Result>[]>,
  { most, lanes }: { readonly most: number; readonly lanes: number },
): (piece: Piece) => Promise<Result> {
  type Waiting = { readonly piece: Piece; readonly settle: (result: PromiseSettledResult<Result>) => void };
  const waiting: Waiting[] = [];
  let underWay = 0;

  const next = () => {
    while (underWay < lanes && waiting.length > 0) start(waiting.splice(0, most));
  };
  const start = (group: readonly Waiting[]) => {
    underWay += 1;
    run(group.map(({ piece }) => piece))
      .catch((reason: unknown) => group.map((): PromiseSettledResult<Result> => ({ status: 'rejected', reason })))
      .then((results) => {
        underWay -= 1;
        const lost: PromiseSettledResult<Result> = { status: 'rejected', reason: new Error('A piece of work has no result') };
        for (const [at, { settle }] of group.entries()) settle(results[at] ?? lost);
        next();
      });
  };

  return (piece) =>
    new Promise((resolve, reject) => {
      const settle = (result: PromiseSettledResult<Result>) =>
        result.status === 'fulfilled' ? resolve(result.value) : reject(result.reason);
      if (waiting.push({ piece, settle }) === 1) setImmediate(next);
    });
}
