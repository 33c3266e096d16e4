/** Look-ups that come in together go together, and none of them is the other's trouble. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gathered } from '../../src/db/gather.ts';

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
