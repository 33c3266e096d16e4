/** What a line adds to a patient known already: whole elements, valid ones, and nothing that is left out in silence. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { validate } from '../../src/fhir/validate.ts';
import type { PatientMerge } from '../../src/import/job.ts';
import { importParts } from '../../src/import/parts.ts';
import { runJob } from '../../src/import/turn.ts';
import { turnsHere } from '../../src/import/turns.ts';
import { type ImportGateway, startImportGateway, summary } from './support.ts';

let given: ImportGateway;

before(async () => {
  given = await startImportGateway();
});
after(() => given?.close());

const known = (number: string, more: object = {}) => ({
  resourceType: 'Patient',
  id: '1',
  identifier: [{ system: 'http://example.org/mrn', value: number }],
  name: [{ text: 'Ada Example' }],
  ...more,
});

/** The patient after a second source has sent this of it, and the warnings of that. */
async function merge(number: string, before: object, line: object, how: PatientMerge) {
  for (const [source, resource] of [
    ['first', { ...known(number, before), id: number }],
    ['second', { ...known(number, line), id: number }],
  ] as const) {
    const stream = (async function* () {
      yield Buffer.from(JSON.stringify(resource));
    })();
    const job = await given.desk.receive({ source, dryRun: false, merge: how }, [{ name: 'x', kind: 'ndjson', stream }]);
    await given.run(job);
    const status = source === 'first' ? 'created' : 'merged';
    assert.deepEqual(await summary(given, job), { Patient: { [status]: 1 } });
    if (source === 'first') continue;
    const record = await given.gateway.repository.read('Patient', `first.${number}`);
    assert.ok(record?.stored);
    const served = given.gateway.repository.render(record);
    assert.deepEqual(
      validate(served, 'Patient').filter(({ severity }) => severity === 'error'),
      [],
    );
    const warnings = (await given.report(job, 'outcome')).map(({ expression }) => expression);
    return { served, warnings };
  }
  throw new Error('unreachable');
}

test('a primitive comes with its extensions, and an extension to what is known already is added', async () => {
  const born = { birthDate: '1990-01-02', _birthDate: { extension: [{ url: 'http://example.org/x', valueString: 'y' }] } };
  for (const [number, before] of [
    ['1', {}],
    ['2', { birthDate: '1990-01-02' }],
  ] as const) {
    const { served, warnings } = await merge(number, before, born, 'add');
    assert.deepEqual([served['birthDate'], served['_birthDate']], [born.birthDate, born._birthDate]);
    assert.deepEqual(warnings, []);
  }
});

test('a patient has one deceased[x], whatever its type', async () => {
  const added = await merge('3', { deceasedBoolean: true }, { deceasedDateTime: '2020-01-01' }, 'add');
  assert.deepEqual([added.served['deceasedBoolean'], added.served['deceasedDateTime']], [true, undefined]);
  assert.deepEqual(added.warnings, ['Patient.deceased']);
  const replaced = await merge('4', { deceasedBoolean: true }, { deceasedDateTime: '2020-01-01' }, 'overwrite');
  assert.deepEqual([replaced.served['deceasedBoolean'], replaced.served['deceasedDateTime']], [undefined, '2020-01-01']);
});

test('contained resources come and go with what refers to them', async () => {
  const of = (name: string, id = 'o') => ({
    contained: [{ resourceType: 'Organization', id, name }],
    managingOrganization: { reference: `#${id}` },
  });
  const added = await merge('5', {}, of('Clinic'), 'add');
  assert.deepEqual(added.served['contained'], of('Clinic').contained);
  const replaced = await merge('6', of('Old', 'p'), of('New'), 'overwrite');
  assert.deepEqual(replaced.served['contained'], of('New').contained);
  const { generalPractitioner, contained } = {
    generalPractitioner: [{ reference: '#o' }],
    contained: [{ resourceType: 'Practitioner', id: 'o', name: [{ text: 'Dr No' }] }],
  };
  const clash = await merge('7', of('Clinic'), { generalPractitioner, contained }, 'add');
  assert.deepEqual(clash.served['contained'], of('Clinic').contained);
  assert.deepEqual(clash.warnings, ['Patient.generalPractitioner']);
});

test('what merge=keep does not take over is told', async () => {
  const line = {
    maritalStatus: { text: 'married' },
    identifier: [...known('8').identifier, { system: 'http://example.org/other', value: '8' }],
  };
  const { served, warnings } = await merge('8', { gender: 'male' }, { ...line, gender: 'female' }, 'keep');
  assert.deepEqual([served['maritalStatus'], served['gender']], [undefined, 'male']);
  assert.deepEqual(warnings, ['Patient.identifier']);
});

test('what a client writes while a line is merged stays', async () => {
  await merge('9', { gender: 'male' }, { birthDate: '1990-01-02' }, 'add');
  const { gateway, desk } = given;
  const { repository } = gateway;
  const read = async () => repository.read('Patient', 'first.9');
  let interrupted = false;
  const between = {
    ...repository,
    async update(...args: Parameters<typeof repository.update>) {
      const current = await read();
      if (!interrupted && current) {
        interrupted = true;
        const content = { ...repository.render(current), language: 'de' };
        await repository.update('Patient', 'first.9', content, { origin: 'client', deadline: Date.now() + 10_000 });
      }
      return repository.update(...args);
    },
  };
  const parts = importParts({ ...gateway, repository: between });
  const line = JSON.stringify({ ...known('9'), id: 'again', maritalStatus: { text: 'married' } });
  const stream = (async function* () {
    yield Buffer.from(line);
  })();
  const job = await desk.receive({ source: 'other', dryRun: false }, [{ name: 'x', kind: 'ndjson', stream }]);
  await runJob(turnsHere(parts, given.log), job.id, { atOnce: 1 });
  const record = await read();
  assert.ok(record && interrupted);
  const served = repository.render(record);
  assert.deepEqual([served['language'], served['maritalStatus'], served['gender']], ['de', { text: 'married' }, 'male']);
});
