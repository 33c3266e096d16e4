/** `npm test`: validators, lint, types, and all tests against throw-away servers; ends with a line such as `123 passed, 0 failed`. */
import { spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { run } from 'node:test';
import { parseArgs, styleText } from 'node:util';
import { startTestServers } from '../test/support/servers.ts';

/** What depends on the machine's time zone if it is wrong: run a second time elsewhere, half an hour off and south of the equator's summer. */
const zoned = ['test/laws/', 'test/fhir/', 'test/mapping/', 'test/search/'];
const otherZone = 'America/St_Johns';
const testTimeoutMs = 20 * 60_000;

const root = resolve(import.meta.dirname, '..');
const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'boolean', default: false } } });
const tally = { passed: 0, failed: 0, skipped: 0, ran: 0 };
const ending = new AbortController();

process.chdir(root);
await buildValidators();
if (!values.only) {
  await Promise.all([check('biome', ['check', '--colors=off']), check('tsc', ['-p', '.'])]);
}

const servers = await startTestServers();
process.once('exit', servers.stop);
for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(name, () => {
    ending.abort();
    setTimeout(() => process.exit(code), 200);
  });
}

const files = testFiles();
await runFiles(files, {});
const again = files.filter((file) => zoned.some((folder) => file.startsWith(folder)));
if (again.length > 0) {
  console.log(`\nAgain under TZ=${otherZone}:`);
  // The laws do not need as many cases twice.
  await runFiles(again, { TZ: otherZone, LAW_RUNS: '150' });
}
if (tally.ran === 0) {
  console.log('No test ran.');
  tally.failed++;
}
const obituary = servers.obituary();
if (obituary !== '') {
  tally.failed++;
  console.log(`\n${obituary}`);
}
process.exitCode = tally.failed > 0 ? 1 : 0;
console.log(`\n${tally.passed} passed, ${tally.failed} failed${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''}`);

/** All test files, or those given: files, or folders of them. */
function testFiles(): string[] {
  const all = globSync('test/**/*.test.ts').sort();
  const wanted = positionals.map((path) => relative(root, resolve(path)));
  return wanted.length === 0
    ? all
    : all.filter((file) => wanted.some((path) => file === path || file.startsWith(join(path, '/'))));
}

/** What the runner has heard no end of is run once more without it: a report may be cut off on its way between the two processes. */
async function runFiles(files: readonly string[], env: Record<string, string>): Promise<void> {
  if (files.length === 0) return;
  for (const file of await runTogether(files, env)) await runAlone(file, env);
}

async function runAlone(file: string, env: Record<string, string>): Promise<void> {
  const { code, output } = await runTool(process.execPath, ['--test-reporter=tap', file], { ...servers.env, ...env });
  const count = (what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
  const [tests, passed, skipped] = [count('tests'), count('pass'), count('skipped') + count('todo')];
  const isSound = code === 0 && passed > 0;
  tally.passed += passed;
  tally.failed += Math.max(tests - passed - skipped, isSound ? 0 : 1);
  tally.skipped += skipped;
  tally.ran += tests - skipped;
  console.log(`${styleText(isSound ? 'green' : 'red', isSound ? '✔' : '✖')} ${file} (${passed} of ${tests}, once more)`);
  if (!isSound) console.log(indent(output));
}

/** Returns the files that have not summed up. */
async function runTogether(files: readonly string[], env: Record<string, string>): Promise<readonly string[]> {
  const heard = new Set<string>();
  const output = new Map<string, string>();
  const keep = ({ file = '', message }: { file?: string | undefined; message: string }) =>
    output.set(file, (output.get(file) ?? '') + message);
  const stream = run({
    files: files.map((file) => join(root, file)),
    concurrency: 2,
    timeout: testTimeoutMs,
    // A handle that a failed test left open would otherwise keep its file until the time-out.
    forceExit: true,
    signal: ending.signal,
    env: { ...process.env, ...servers.env, ...env },
  });
  stream.on('test:stdout', keep);
  stream.on('test:stderr', keep);
  stream.on('test:pass', ({ name, file, skip, todo }) => {
    // The runner lets a file without a test pass under its own name; here it is a fault.
    if (name === file) {
      tally.passed--;
      tally.ran--;
      tally.failed++;
      console.log(`${styleText('red', '✖')} ${relative(root, file)} has no test`);
    }
    if (skip) console.log(`  skipped: ${name}${typeof skip === 'string' ? ` (${skip})` : ''}`);
    if (todo) console.log(`  to do: ${name}`);
  });
  stream.on('test:fail', ({ name, file = '', line, details }) => {
    const { error } = details;
    // A parent fails with its children; they have been reported.
    if ('failureType' in error && error.failureType === 'subtestsFailed') return;
    const place = `${relative(root, file)}${line ? `:${line}` : ''}`;
    console.log(`${styleText('red', '✖')} ${place} › ${name}\n${indent(describe(error))}`);
  });
  stream.on('test:summary', ({ file, counts, duration_ms, success }) => {
    // File by file, as the sum of all counts what is run again twice.
    if (file === undefined) return;
    tally.passed += counts.passed;
    tally.failed += counts.tests - counts.passed - counts.skipped - counts.todo;
    tally.skipped += counts.skipped + counts.todo;
    tally.ran += counts.tests - counts.skipped - counts.todo;
    heard.add(relative(root, file));
    console.log(
      `${styleText(success ? 'green' : 'red', success ? '✔' : '✖')} ${relative(root, file)} (${counts.passed} of ${counts.tests}, ${Math.round(duration_ms)} ms)`,
    );
    if (!success && output.has(file)) console.log(indent(output.get(file) ?? ''));
    output.delete(file);
  });
  await new Promise<void>((resolve, reject) => stream.once('end', resolve).once('error', reject).resume());
  // What a file said that died before it could sum up.
  for (const text of output.values()) if (tally.failed > 0) console.log(indent(text));
  return files.filter((file) => !heard.has(file));
}

/** The error inside node:test's wrapper, and what caused that one: a failed property says only there what was wrong. */
function describe(error: Error): string {
  const { cause } = error;
  if (!(cause instanceof Error)) return String(cause ?? error.message);
  const deeper = cause.cause instanceof Error ? `\nCaused by: ${cause.cause.stack ?? cause.cause.message}` : '';
  return `${cause.stack ?? cause.message}${deeper}`;
}

function indent(text: string): string {
  return text.trimEnd().replace(/^/gm, '    ');
}

/** A tool of the project counts as one test; it speaks only when it fails. */
async function check(tool: string, args: readonly string[]): Promise<void> {
  const { code, output } = await runTool(join('node_modules', '.bin', tool), args);
  tally[code === 0 ? 'passed' : 'failed']++;
  console.log(`${styleText(code === 0 ? 'green' : 'red', code === 0 ? '✔' : '✖')} ${tool}`);
  if (code !== 0) console.log(indent(output));
}

async function buildValidators(): Promise<void> {
  const script = join('scripts', 'build-validators.ts');
  if (!existsSync(script)) return;
  const { code, output } = await runTool(process.execPath, [script]);
  if (code === 0) return;
  console.log(`${output}\nThe validators could not be built.\n\n0 passed, 1 failed`);
  process.exit(1);
}

function runTool(
  file: string,
  args: readonly string[],
  env: Record<string, string | undefined> = {},
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
