/** A file with faults of many kinds here and there: exactly those lines are reported, each with its line, offset, place and code. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { labLines } from '../../bench/import-lines.ts';
import { type ImportGateway, importLines, startImportGateway, summary } from './support.ts';

const lineCount = Number(process.env['FAULT_LINES'] ?? 3000);

let given: ImportGateway;

before(async () => {
  given = await startImportGateway({ IMPORT_CHUNK_LINES: '250', IMPORT_LINE_MAX_BYTES: '20000' });
});
after(() => given?.close());

type Json = Record<string, unknown>;
type Spoil = (resource: Json, line: string) => string;

const edited =
  (change: Json): Spoil =>
  (resource) =>
    JSON.stringify({ ...resource, ...change });
const without =
  (key: string): Spoil =>
  ({ [key]: _gone, ...rest }) =>
    JSON.stringify(rest);

/** What is done to a line that holds a result, and what must be said of it. */
const kinds: readonly (readonly [name: string, spoil: Spoil, code: string, expression: string | undefined])[] = [
  ['cut off', (_, line) => line.slice(0, line.length / 2), 'structure', undefined],
  ['no JSON', () => 'MSH|^~\\&|LAB', 'structure', undefined],
  ['an array', (_, line) => `[${line}]`, 'structure', undefined],
  ['a duplicate key', (_, line) => line.replace('{', '{"status":"final",'), 'structure', undefined],
  ['__proto__', (_, line) => line.replace('{', '{"__proto__":{},'), 'structure', undefined],
  ['signs that begin no JSON', () => '\u{fffd}\u{fffd}', 'structure', undefined],
  ['too long', edited({ note: [{ text: 'x'.repeat(25_000) }] }), 'too-long', undefined],
  ['no type', without('resourceType'), 'required', 'resourceType'],
  ['an unknown type', edited({ resourceType: 'Result' }), 'not-supported', 'resourceType'],
  ['no id', without('id'), 'required', 'Observation.id'],
  ['an id that cannot be one', edited({ id: 'a b' }), 'value', 'Observation.id'],
  ['an unknown element', edited({ colour: 'red' }), 'structure', 'Observation.colour'],
  ['a status of no list', edited({ status: 'done' }), 'code-invalid', 'Observation.status'],
  ['no status', without('status'), 'required', 'Observation.status'],
  ['no code', without('code'), 'required', 'Observation.code'],
  ['a date that is none', edited({ effectiveDateTime: '2021-02-30' }), 'value', 'Observation.effective'],
  ['a number as text', edited({ valueQuantity: { value: '5' } }), 'structure', 'Observation.value.value'],
  ['two values', edited({ valueString: 'high' }), 'structure', 'Observation.value'],
  ['an empty array', edited({ identifier: [] }), 'structure', 'Observation.identifier'],
  ['an empty text', edited({ code: { text: '' } }), 'value', 'Observation.code.text'],
  ['an object as text', edited({ issued: {} }), 'structure', 'Observation.issued'],
  ['a patient that never comes', edited({ subject: { reference: 'Patient/nobody' } }), 'not-found', 'Observation.subject'],
  ['a group as subject', edited({ subject: { reference: 'Group/g' } }), 'not-found', 'Observation.subject'],
  ['no subject', without('subject'), 'required', 'Observation.subject'],
  ['no day', without('effectiveDateTime'), 'required', 'Observation.effective'],
  ['a name longer than the column', edited({ code: { text: 'x'.repeat(300) } }), 'too-long', 'Observation.code'],
  ['an array for an object', edited({ code: [{ text: 'x' }] }), 'structure', 'Observation.code'],
  ['an object for an array', edited({ category: { text: 'x' } }), 'structure', 'Observation.category'],
  ['an instant without offset', edited({ issued: '2021-01-01T10:00:00' }), 'value', 'Observation.issued'],
  ['a reference that is none', edited({ subject: { reference: 'somebody' } }), 'value', 'Observation.subject.reference'],
];

test(`${kinds.length} kinds of faults in ${lineCount} lines: exactly those are reported, each where it is`, async () => {
  const lines = [...labLines(lineCount)];
  const faulty = new Map<number, (typeof kinds)[number]>();
  for (let n = 0; n < Math.max(kinds.length, lineCount / 100); n += 1) {
    const at = 20 * Math.floor((n * lineCount) / 20 / Math.max(kinds.length, lineCount / 100)) + 1 + (n % 18);
    const kind = kinds[n % kinds.length];
    const line = lines[at];
    assert.ok(kind && line && !faulty.has(at));
    lines[at] = kind[1](JSON.parse(line), line);
    faulty.set(at, kind);
  }
  let end = 0;
  const offsets = lines.map((line) => {
    const start = end;
    end += Buffer.byteLength(line) + 1;
    return start;
  });
  const job = await importLines(given, 'faults', lines);
  const reported = (await given.report(job, 'outcome')).filter(({ severity }) => severity === 'error');
  const said = new Map(reported.map((outcome) => [outcome.line - 1, outcome]));
  const found: unknown[] = [];
  const wanted: unknown[] = [];
  for (const [at, [name, , code, expression]] of faulty) {
    const outcome = said.get(at);
    found.push([name, outcome?.status, outcome?.offset, outcome?.code, outcome?.expression]);
    wanted.push([name, 'failed', offsets[at], code, expression]);
    said.delete(at);
  }
  assert.deepEqual(found, wanted);
  assert.deepEqual([...said.values()], []);
  const counts = await summary(given, job);
  const failed = Object.values(counts).reduce((sum, byStatus) => sum + (byStatus['failed'] ?? 0), 0);
  assert.equal(failed, faulty.size);
  assert.equal(counts['Patient']?.['created'], lineCount / 20);
});
