/** The log: one JSON line an event, by level, without what errors quote. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, type LogLevel } from '../../src/log.ts';

function linesAt(level: LogLevel, use: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = [];
  use(createLog(level, (line) => lines.push(line)));
  return lines;
}

test('a line is one JSON object', () => {
  const [line = ''] = linesAt('info', (log) => log.info('listening', { url: 'http://x/\n"', port: 1, left: undefined }));
  assert.ok(line.endsWith('}\n') && line.indexOf('\n') === line.length - 1);
  const { time, ...rest } = JSON.parse(line);
  assert.match(time, /^\d{4}-\d\d-\d\dT.*Z$/);
  assert.deepEqual(rest, { level: 'info', event: 'listening', url: 'http://x/\n"', port: 1 });
});

test('levels below the configured one are silent', () => {
  const use = (log: ReturnType<typeof createLog>) => {
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
  };
  assert.equal(linesAt('debug', use).length, 4);
  assert.equal(linesAt('warn', use).length, 2);
  assert.equal(linesAt('silent', use).length, 0);
});

test('an error is logged with its code, stack and cause', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', errno: -111 });
  const [line = ''] = linesAt('info', (log) => log.error('failed', { error: new TypeError('no such thing', { cause }) }));
  const { error } = JSON.parse(line);
  assert.equal(error.message, 'no such thing');
  assert.match(error.stack, /^at /);
  assert.deepEqual([error.cause.code, error.cause.errno], ['ECONNREFUSED', -111]);
});

test('what database and JSON errors quote is not logged', () => {
  const duplicate = Object.assign(new Error("Duplicate entry 'Jane Roe' for key"), {
    code: 'ER_DUP_ENTRY',
    sql: "INSERT 'Jane Roe'",
    sqlMessage: 'x',
  });
  let syntax: unknown;
  try {
    JSON.parse('Jane Roe');
  } catch (error) {
    syntax = error;
  }
  assert.ok(syntax instanceof Error && syntax.message.includes('Jane'));
  const lines = linesAt('info', (log) => {
    log.error('failed', { error: duplicate });
    log.error('failed', { error: syntax instanceof Error ? syntax : undefined });
  });
  assert.doesNotMatch(lines.join(''), /Jane/);
  assert.match(lines.join(''), /ER_DUP_ENTRY/);
});
