/** Listening: clear words where it cannot, and an orderly end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { readConfig } from '../../src/config.ts';
import { freePort } from '../../src/free-port.ts';
import { listen } from '../../src/listen.ts';
import { PlainError } from '../../src/plain-error.ts';

const http = (env: Record<string, string> = {}) => readConfig({ PORT: '0', ...env }).http;

test('a port that is taken is said in one sentence with the port and the variable', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const address = other.address();
  assert.ok(typeof address === 'object' && address);
  await assert.rejects(
    listen(http({ PORT: String(address.port) }), () => {}),
    (error) => {
      assert.ok(error instanceof PlainError);
      assert.match(error.message, new RegExp(`^Port ${address.port} on 127\\.0\\.0\\.1 is taken .* PORT=\\d+\\.$`));
      return true;
    },
  );
});

test('an address of another machine is said too', async () => {
  await assert.rejects(
    listen(http({ HOST: '192.0.2.1', AUTH: 'none' }), () => {}),
    /no address 192\.0\.2\.1: set HOST/,
  );
});

test('closing lets a running request finish, also on a kept connection, and accepts no more', async () => {
  let release = () => {};
  const arrived = Promise.withResolvers<void>();
  const listening = await listen(http(), (_, response) => {
    release = () => response.end('whole answer');
    arrived.resolve();
  });
  const answer = fetch(listening.origin);
  await arrived.promise;
  const closed = listening.close();
  await assert.rejects(fetch(listening.origin));
  release();
  const response = await answer;
  assert.equal(await response.text(), 'whole answer');
  await closed;
});

test('an idle kept connection does not hold up the end', async () => {
  const listening = await listen(http(), (_, response) => void response.end());
  const agent = new Agent({ keepAlive: true });
  const sent = request(listening.origin, { agent }).end();
  const [response] = await once(sent, 'response');
  response.resume();
  await once(response, 'end');
  await listening.close();
  agent.destroy();
});

test('a request that never ends is cut off after the grace', async () => {
  const arrived = Promise.withResolvers<void>();
  const listening = await listen(http({ SHUTDOWN_GRACE_MS: '50' }), () => arrived.resolve());
  const answer = fetch(listening.origin);
  const cut = assert.rejects(answer);
  await arrived.promise;
  await listening.close();
  await cut;
});

test('a free port is another one where the preferred is taken', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const address = other.address();
  assert.ok(typeof address === 'object' && address);
  assert.notEqual(await freePort('127.0.0.1', address.port), address.port);
});
