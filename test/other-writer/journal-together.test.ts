/** MediMax's sessions and two gateways write the same charts at once: no version is lost, doubled or in the wrong place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { checkAll } from '../../src/cli/check-all.ts';
import { openGateway } from '../../src/gateway.ts';
import { createApp } from '../../src/http/app.ts';
import { createLog } from '../../src/log.ts';
import { checkSteps, createWitness, resultOf, type Witness } from './journal-witness.ts';
import { type TwoWriters, twoWriters } from './legacy.ts';
import { type Random, randomFrom } from './statements.ts';

const isHunt = process.env['HUNT'] !== undefined;
const seeds = isHunt
  ? (process.env['HUNT_SEEDS']?.split(',').map(Number) ??
    Array.from({ length: Number(process.env['HUNT']) || 20 }, () => Math.floor(Math.random() * 2 ** 31)))
  : [1];
const rounds = isHunt ? 120 : 40;

/** Deadlock, lock wait, a parent that has gone, a key that is taken: MediMax's own affair. */
const refusals = [1205, 1213, 1452, 1062];

interface Chart {
  readonly patient: number;
  readonly appointment: number;
  readonly report: number;
}

interface Stage {
  readonly writers: TwoWriters;
  readonly apps: readonly TwoWriters['app'][];
  readonly witness: Witness;
  readonly charts: readonly Chart[];
  readonly committed: { readonly name: string; readonly mark: string }[];
  readonly undone: string[];
  readonly acknowledged: { readonly name: string; readonly version: number; readonly language: string }[];
}

for (const seed of seeds) {
  test(`everybody writes the same charts, seed ${seed}`, async () => {
    const writers = await twoWriters();
    const second = await openGateway(writers.config);
    try {
      const parts = { software: { name: 'MediMax FHIR Gateway', version: '0.0.0-test' }, ready: async () => [] };
      const app = createApp({ ...second, ...parts, log: createLog('silent', () => {}) });
      await play({ ...(await prepare(writers)), apps: [writers.app, app] }, seed);
    } finally {
      await second.close();
      await writers.close();
    }
  });
}

async function prepare(writers: TwoWriters): Promise<Omit<Stage, 'apps'>> {
  const charts: Chart[] = [];
  for (let each = 0; each < 2; each += 1) {
    const patient = await writers.run("INSERT INTO Patient (name, sex) VALUES ('m0', 'Female')");
    const appointment = await writers.run(
      "INSERT INTO Appointment (patient_id, appointment_date, status, notes) VALUES (?, '2026-01-05', 'Scheduled', 'm0')",
      [patient],
    );
    const report = await writers.run(
      "INSERT INTO Lab_Report (patient_id, lab_date, lab_type) VALUES (?, '2026-01-05', 'Laboratory')",
      [patient],
    );
    charts.push({ patient, appointment, report });
  }
  return { writers, witness: createWitness(), charts, committed: [], undone: [], acknowledged: [] };
}

async function play(stage: Stage, seed: number): Promise<void> {
  const { writers, witness } = stage;
  const actors = [medimax, medimax, medimax, client, client, client, reader, restless];
  await Promise.all(actors.map((actor, at) => actor(stage, randomFrom(seed * 100 + at), at)));
  const [app] = stage.apps;
  if (!app) return;
  for (const { patient, appointment, report } of stage.charts) {
    checkSteps(`Patient/pt-${patient}`, await witness.history(app, `Patient/pt-${patient}`), {
      medimax: [['name']],
      gateway: [['language']],
    });
    checkSteps(`Appointment/ap-${appointment}`, await witness.history(app, `Appointment/ap-${appointment}`), {
      medimax: [['comment'], ['reasonCode', 'reasonReference']],
      gateway: [['language'], ['reasonCode', 'reasonReference']],
    });
    const versions = await witness.history(app, `DiagnosticReport/lr-${report}`);
    checkSteps(`DiagnosticReport/lr-${report}`, versions, { medimax: [['result']], gateway: [['language'], ['result']] });
    for (const [at, { body, version }] of versions.entries()) {
      const count = (one: typeof body | undefined) => (one?.['result'] as readonly unknown[] | undefined)?.length ?? 0;
      if (at > 0) assert.ok(Math.abs(count(body) - count(versions[at - 1]?.body)) <= 1, `lr-${report} ${version}`);
    }
  }
  await checkMarks(stage);
  const all = await writers.rows('SELECT type, id FROM fhir_resource WHERE state < 2');
  for (const { type, id } of all) await witness.history(app, `${type}/${id}`);
  assert.deepEqual(await checkAll(writers.config, { fix: false }), { ok: true, findings: [], fixed: [] });
  if (isHunt)
    console.log(
      `seed ${seed}: ${all.length} resources, ${[...witness.statuses].map(([status, n]) => `${n} × ${status}`).join(', ')}`,
    );
}

/** What was committed is a version; what was rolled back is none; what was acknowledged is the version that was named. */
async function checkMarks({ apps: [app], witness, committed, undone, acknowledged }: Stage): Promise<void> {
  if (!app) return;
  const names = new Set([...committed, ...acknowledged].map(({ name }) => name));
  for (const name of names) {
    const versions = await witness.history(app, name);
    const texts = versions.map(({ body }) => JSON.stringify(body));
    for (const { mark } of committed.filter((one) => one.name === name)) {
      const by = versions.filter(
        ({ isMediMax }, at) => isMediMax && texts[at]?.includes(`"${mark}"`) && !texts[at - 1]?.includes(`"${mark}"`),
      );
      assert.equal(by.length, 1, `${name}: ${by.length} versions of ${mark}`);
    }
    for (const mark of undone) assert.ok(!texts.some((text) => text.includes(`"${mark}"`)), `${name}: ${mark} was rolled back`);
    for (const one of acknowledged.filter((each) => each.name === name))
      assert.equal(versions[one.version - 1]?.body?.['language'], one.language, `${name} ${one.version}`);
  }
}

/** Short transactions of a statement or a few, some of them rolled back. */
async function medimax(stage: Stage, random: Random, at: number): Promise<void> {
  const own = await stage.writers.connect();
  for (let round = 0; round < rounds; round += 1) {
    const marks: { name: string; mark: string }[] = [];
    try {
      await own.query('START TRANSACTION');
      for (let count = 1 + random.below(3); count > 0; count -= 1) {
        const mark = `m${at}-${round}-${count}`;
        const name = await statement(own, random, random.pick(stage.charts), mark);
        if (name !== null) marks.push({ name, mark });
        if (random.below(3) === 0) await own.query('DO SLEEP(0.005)');
      }
      const isKept = random.below(4) > 0;
      await own.query(isKept ? 'COMMIT' : 'ROLLBACK');
      if (isKept) stage.committed.push(...marks);
      else stage.undone.push(...marks.map(({ mark }) => mark));
    } catch (failure) {
      if (!refusals.includes((failure as { errno?: number }).errno ?? 0)) throw failure;
      await own.query('ROLLBACK');
    }
  }
}

async function statement(own: Connection, random: Random, chart: Chart, mark: string): Promise<string | null> {
  const run = async (sql: string, values: readonly unknown[]) => (await own.query<ResultSetHeader>(sql, [...values]))[0];
  switch (random.below(6)) {
    case 0:
      await run('UPDATE Patient SET name = ? WHERE patient_id = ?', [mark, chart.patient]);
      return `Patient/pt-${chart.patient}`;
    case 1:
      await run('UPDATE Appointment SET notes = ? WHERE appointment_id = ?', [mark, chart.appointment]);
      return `Appointment/ap-${chart.appointment}`;
    case 2: {
      await run('INSERT INTO Appointment_Symptom (appointment_id, symptom_name) VALUES (?, ?)', [chart.appointment, mark]);
      return `Appointment/ap-${chart.appointment}`;
    }
    case 3: {
      const { insertId } = await run("INSERT INTO Lab_Finding (lab_report_id, test_name, test_value) VALUES (?, 'x', ?)", [
        chart.report,
        mark,
      ]);
      return `Observation/lf-${insertId}`;
    }
    case 4:
      await run('DELETE FROM Appointment_Symptom WHERE appointment_id = ? ORDER BY symptom_id LIMIT 1', [chart.appointment]);
      return null;
    default:
      await run('DELETE FROM Lab_Finding WHERE lab_report_id = ? ORDER BY lab_finding_id LIMIT 1', [chart.report]);
      return null;
  }
}

/** Writes what it has read, with another language; sends results of the same report. */
async function client(stage: Stage, random: Random, at: number): Promise<void> {
  const { apps, witness, acknowledged } = stage;
  for (let round = 0; round < rounds; round += 1) {
    const app = random.pick(apps);
    const chart = random.pick(stage.charts);
    if (random.below(4) === 0) {
      await witness.send(app, 'post', 'Observation', resultOf(chart.patient, `c${at}-${round}`));
      continue;
    }
    const name = random.pick([
      `Patient/pt-${chart.patient}`,
      `Appointment/ap-${chart.appointment}`,
      `DiagnosticReport/lr-${chart.report}`,
    ]);
    const found = await witness.read(app, name);
    if (!found) continue;
    const language = `${random.pick(['de', 'en', 'fr'])}-${at}${String(round).padStart(3, '0')}`;
    const body = { ...found.body, language };
    if (random.below(3) > 0) {
      const { status, version } = await witness.send(app, 'put', name, body, found.etag);
      if (status === 200) acknowledged.push({ name, version, language });
      continue;
    }
    const entry = { resource: body, request: { method: 'PUT', url: name, ifMatch: found.etag } };
    const posted = { resource: resultOf(chart.patient, `b${at}-${round}`), request: { method: 'POST', url: 'Observation' } };
    const entries = name.startsWith('DiagnosticReport') ? [entry] : [entry, posted];
    const { status, body: answer } = await witness.send(app, 'post', '', {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: entries,
    });
    const etag = (answer as unknown as { entry?: { response: { etag: string } }[] }).entry?.[0]?.response.etag;
    if (status === 200) acknowledged.push({ name, version: Number(/\d+/.exec(etag ?? '')?.[0]), language });
  }
}

async function reader(stage: Stage, random: Random): Promise<void> {
  for (let round = 0; round < rounds * 3; round += 1) {
    const chart = random.pick(stage.charts);
    const name = random.pick([
      `Patient/pt-${chart.patient}`,
      `Appointment/ap-${chart.appointment}`,
      `DiagnosticReport/lr-${chart.report}`,
    ]);
    await stage.witness.read(random.pick(stage.apps), name);
  }
}

/** A patient who comes and goes under one key, by MediMax's hand and by clients', with a chart of several rows. */
async function restless(stage: Stage, random: Random): Promise<void> {
  const own = await stage.writers.connect();
  const { witness } = stage;
  const key = 5000;
  const come = async () => {
    await own.query("INSERT INTO Patient (patient_id, name, sex) VALUES (?, 'Restless', 'Male')", [key]);
    await own.query(
      "INSERT INTO Medical_History (history_id, patient_id, history_type, history_item) VALUES (?, ?, 'condition', 'x')",
      [key, key],
    );
    await own.query("INSERT INTO Appointment (appointment_id, patient_id, appointment_date) VALUES (?, ?, '2026-01-05')", [
      key,
      key,
    ]);
    await own.query("INSERT INTO Appointment_Symptom (symptom_id, appointment_id, symptom_name) VALUES (?, ?, 'cough')", [
      key,
      key,
    ]);
  };
  const names = [`Patient/pt-${key}`, `Condition/mh-${key}`, `Appointment/ap-${key}`, `Observation/sy-${key}`];
  const tryOut = async (sql: () => Promise<unknown>) => {
    try {
      await sql();
    } catch (failure) {
      if (!refusals.includes((failure as { errno?: number }).errno ?? 0)) throw failure;
    }
  };
  for (let round = 0; round < rounds; round += 1) {
    const name = random.pick(names);
    const app = random.pick(stage.apps);
    const asked = async () => {
      const found = await witness.read(app, name);
      if (!found) return;
      if (random.below(3) === 0) await witness.send(app, 'delete', name, null);
      else await witness.send(app, 'put', name, { ...found.body, language: random.pick(['de', 'en', 'fr']) });
    };
    const type = random.pick(['condition', 'allergy']);
    await Promise.all([
      tryOut(random.below(2) === 0 ? come : () => own.query('DELETE FROM Patient WHERE patient_id = ?', [key])),
      asked(),
      tryOut(() => stage.writers.run('UPDATE Medical_History SET history_type = ? WHERE history_id = ?', [type, key])),
    ]);
  }
}
