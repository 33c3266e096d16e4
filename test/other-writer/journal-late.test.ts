/** Whatever is pending at once, the versions are those that entering the journal after every statement makes. `npm run hunt:journal` runs longer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { booksOf, foldBy, gapless, sameBooks, type Twins, twins } from './journal-twins.ts';
import { Model } from './model.ts';
import { type Random, randomFrom, randomStatement } from './statements.ts';

const isHunt = process.env['HUNT'] !== undefined;
const seeds = isHunt
  ? (process.env['HUNT_SEEDS']?.split(',').map(Number) ??
    Array.from({ length: Number(process.env['HUNT']) || 20 }, () => Math.floor(Math.random() * 2 ** 31)))
  : [1, 2, 3];
const steps = Number(process.env['STEPS'] ?? (isHunt ? 400 : 150));

for (const seed of seeds) {
  test(`a journal entered late makes the versions of one entered at once, seed ${seed}`, async () => {
    const pair = await twins();
    const script: string[] = [];
    try {
      await play(pair, seed, script);
    } catch (failure) {
      if (isHunt) console.log(`seed ${seed}:\n${script.join('\n')}`);
      throw failure;
    } finally {
      await pair.close();
    }
  });
}

async function play(pair: Twins, seed: number, script: string[]): Promise<void> {
  const random = randomFrom(seed);
  const limit = 24 + random.below(60);
  const model = new Model(pair.late.gateway.registry.resourceTypes);
  for (let step = 0; step < steps; step += 1) await single(pair, model, random, script);
  await foldBy(pair.late, limit);
  const [late, prompt] = [await booksOf(pair.late), await booksOf(pair.prompt)];
  script.push(`entered by ${limit}`);
  sameBooks(late, prompt);
  gapless(late);
  assert.deepEqual(await pair.late.rows('SELECT * FROM fhir_trouble'), []);
}

async function single(pair: Twins, model: Model, random: Random, script: string[]): Promise<void> {
  const statement = randomStatement(model, random);
  if (!statement) return;
  const key = await pair.run(statement.sql, statement.values);
  script.push(`${statement.sql} ${JSON.stringify(statement.values)}`);
  if (key === null) return;
  statement.effect(key);
  model.endStatement();
}
