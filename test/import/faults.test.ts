/** Workers that die at any statement, two workers on one chunk, a database that refuses: nothing is lost, nothing is there twice. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { labLines } from '../../bench/import-lines.ts';
import { createRepository } from '../../src/db/create-repository.ts';
import type { Pool } from '../../src/db/pool.ts';
import { Overtaken } from '../../src/import/chunk-lease.ts';
import type { Job } from '../../src/import/job.ts';
import { type ImportParts, importParts } from '../../src/import/parts.ts';
import { runTurn } from '../../src/import/turn.ts';
import { workChunk } from '../../src/import/work-chunk.ts';
import { contentOf, type ImportGateway, importLines, startImportGateway, summary } from './support.ts';

/** Workers that are killed, each at another statement; `npm run hunt:import-kills` kills more. */
const kills = Number(process.env['KILLS'] ?? 25);
const leaseMs = 120;

let given: ImportGateway;

before(async () => {
  given = await startImportGateway({ IMPORT_CHUNK_LINES: '20' });
});
after(() => given?.close());

const lines = [...labLines(120), '{"resourceType":"Patient"', JSON.stringify({ resourceType: 'Encounter', id: 'e' })];
/** The same people and results, said differently: updates, one by one. */
const corrected = lines.map((line) => line.replace('"Anna"', '"Anna","Maria"').replace('"status":"final"', '"status":"amended"'));
/** People of different sources are different people. */
const linesOf = (source: string, wave: readonly string[]) => wave.map((line) => line.replaceAll('LAB-', `${source}-`));

test('workers killed at any statement: the tables are those of an undisturbed import', async () => {
  for (const wave of [lines, corrected]) await importLines(given, 'calm', linesOf('calm', wave.toReversed()));
  const calm = await contentOf(given, 'calm');
  const random = seeded(20_261_123);
  let killed = 0;
  for (let round = 0; killed < kills; round += 1) {
    const source = `storm-${round}`;
    for (const wave of [lines, corrected]) {
      const job = await receive(source, linesOf(source, wave.toReversed()));
      for (;;) {
        const statements = 1 + Math.floor(random() * 700);
        if (!(await workUntilDeath(job, statements))) break;
        killed += 1;
        await new Promise((resolve) => setTimeout(resolve, leaseMs + 20));
      }
      const counts = await summary(given, job);
      const total = Object.values(counts)
        .flatMap((byStatus) => Object.values(byStatus))
        .reduce<number>((sum, n) => sum + (n ?? 0), 0);
      assert.equal(total, wave.length);
      assert.deepEqual(counts['-'], { failed: 1 });
    }
    assert.deepEqual(await contentOf(given, source), calm.replaceAll('calm', source).split('\n').sort().join('\n'));
  }
});

test('two workers on one chunk: one of them counts', async () => {
  const { desk } = given;
  const job = await receive('twins', linesOf('twins', lines.slice(0, 20)));
  const { store } = desk.parts;
  const first = await store.take(job, 1);
  await new Promise((resolve) => setTimeout(resolve, 10));
  const second = await store.take(job, 30_000);
  assert.ok(first && second && first.no === second.no && second.epoch === first.epoch + 1);
  const settings = { setWise: true, alive: async () => {} };
  const results = await Promise.allSettled([
    workChunk(desk.parts, job, first, settings),
    workChunk(desk.parts, job, second, settings),
  ]);
  assert.ok(results[0]?.status === 'rejected' && results[0].reason instanceof Overtaken);
  assert.equal(results[1]?.status, 'fulfilled');
  await given.run(job);
  assert.deepEqual(await summary(given, job), {
    Patient: { created: 1 },
    Observation: { created: 18 },
    DiagnosticReport: { created: 1 },
  });
});

test('a line that the database refuses takes no other along', async () => {
  const { desk } = given;
  await desk.parts.store.session.modify("ALTER TABLE Medical_History ADD CONSTRAINT chk_test CHECK (history_item <> 'Poison')");
  try {
    const condition = (id: string, text: string) => ({
      resourceType: 'Condition',
      id,
      code: { text },
      subject: { reference: 'Patient/p0' },
    });
    const job = await importLines(given, 'poison', [
      linesOf('poison', lines)[0] ?? '',
      condition('a', 'Asthma'),
      condition('b', 'Poison'),
      condition('c', 'Gout'),
    ]);
    assert.deepEqual(await summary(given, job), { Patient: { created: 1 }, Condition: { created: 2, failed: 1 } });
    const [refused] = await given.report(job, 'outcome');
    assert.deepEqual([refused?.line, refused?.code], [3, 'business-rule']);
  } finally {
    await desk.parts.store.session.modify('ALTER TABLE Medical_History DROP CONSTRAINT chk_test');
  }
});

async function receive(source: string, wave: readonly string[]): Promise<Job> {
  const bytes = Buffer.from(wave.join('\n'));
  const stream = (async function* () {
    yield bytes;
  })();
  return given.desk.receive({ source, dryRun: false }, [{ name: 'lab.ndjson', kind: 'ndjson', stream }]);
}

/** True: it died. False: the job came to its end before. */
async function workUntilDeath(job: Job, statements: number): Promise<boolean> {
  const { gateway, log } = given;
  const death = { left: statements };
  const pool = mortal(gateway.pool, death);
  const parts = { ...gateway.parts, pool };
  const dying: ImportParts = importParts({ ...gateway, pool, parts, repository: createRepository(parts) });
  for (;;) {
    try {
      const { kind } = await runTurn(dying, job.id, leaseMs, log);
      if (kind === 'ended') return false;
      if (kind === 'busy') await new Promise((resolve) => setTimeout(resolve, 10));
    } catch {
      // As with the dead: whatever it was, nobody hears of it.
    }
    if (death.left < 0) return true;
  }
}

class Killed extends Error {}

/** A pool whose process dies at a statement: connections break, transactions roll back, nothing more is heard. */
function mortal(pool: Pool, death: { left: number }): Pool {
  const guard = <Target extends object>(target: Target): Target =>
    new Proxy(target, {
      get(_, name) {
        const member = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        if (name === 'query' || name === 'execute') {
          return async (...given: unknown[]) => {
            death.left -= 1;
            if (death.left < 0) {
              if ('destroy' in target && typeof target.destroy === 'function') target.destroy();
              throw new Killed();
            }
            return Reflect.apply(member, target, given);
          };
        }
        if (name === 'getConnection') return async () => guard(await Reflect.apply(member, target, []));
        return member.bind(target);
      },
    });
  return guard(pool);
}

/** Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
