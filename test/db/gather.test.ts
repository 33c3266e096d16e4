/** Look-ups that come in together go together, and none of them is the other's trouble. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gathered, inGroups } from '../../src/db/gather.ts';

/** Knows the keys that begin with k, and fails for every group with a key that is bad. */
function store() {
  const asked: string[][] = [];
  const fetchMany = async (keys: readonly string[]) => {
    asked.push([...keys]);
    if (keys.includes('bad')) throw new Error('one is bad');
    return new Map(keys.filter((key) => key.startsWith('k')).map((key) => [key, key.toUpperCase()]));
  };
  return { asked, fetchMany };
}

test('look-ups of one moment share a statement, as many as are allowed', async () => {
  const { asked, fetchMany } = store();
  const look = gathered(fetchMany, 2);
  assert.deepEqual(await Promise.all(['k1', 'k2', 'k1', 'x'].map(look)), ['K1', 'K2', 'K1', null]);
  assert.deepEqual(asked, [
    ['k1', 'k2'],
    ['k1', 'x'],
  ]);
});

test('a later look-up never gets the answer of an earlier statement', async () => {
  const { asked, fetchMany } = store();
  const look = gathered(fetchMany, 8);
  const first = look('k1');
  await new Promise((resolve) => setImmediate(resolve));
  const second = look('k1');
  assert.deepEqual(await Promise.all([first, second]), ['K1', 'K1']);
  assert.deepEqual(asked, [['k1'], ['k1']]);
});

test('where a statement for several fails, only the look-up that makes it fail does', async () => {
  const { fetchMany } = store();
  const look = gathered(fetchMany, 8);
  const [good, bad] = await Promise.allSettled([look('k1'), look('bad')]);
  assert.deepEqual(good, { status: 'fulfilled', value: 'K1' });
  assert.equal(bad.status, 'rejected');
});

test('pieces that are asked for while groups are under way make up the next one', async () => {
  const groups: number[][] = [];
  const open: (() => void)[] = [];
  const work = inGroups(
    async (pieces: readonly number[]) => {
      groups.push([...pieces]);
      await new Promise<void>((resolve) => open.push(resolve));
      return pieces.map((piece) => ({ status: 'fulfilled' as const, value: piece * 10 }));
    },
    { most: 3, lanes: 1 },
  );
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const first = work(1);
  await turn();
  const others = [2, 3, 4, 5].map(work);
  await turn();
  assert.deepEqual(groups, [[1]]);
  for (let at = 0; at < 3; at += 1) {
    open[at]?.();
    await turn();
  }
  assert.deepEqual(await Promise.all([first, ...others]), [10, 20, 30, 40, 50]);
  assert.deepEqual(groups, [[1], [2, 3, 4], [5]]);
});

test('each piece has its own result, and a group that throws fails all of its pieces', async () => {
  const work = inGroups(
    async (pieces: readonly string[]) => {
      if (pieces.includes('worst')) throw new Error('all is lost');
      return pieces.map((piece): PromiseSettledResult<string> => {
        return piece === 'bad' ? { status: 'rejected', reason: new Error(piece) } : { status: 'fulfilled', value: piece };
      });
    },
    { most: 2, lanes: 2 },
  );
  const results = await Promise.allSettled(['good', 'bad', 'worst', 'fine'].map(work));
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.message)),
    ['good', 'bad', 'all is lost', 'all is lost'],
  );
});
