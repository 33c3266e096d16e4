/** The server below the application: who may come in, and what never becomes a request. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { readConfig } from '../../src/config.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { PlainError } from '../../src/plain-error.ts';

describe('The HTTP server', () => {
  let server: Server;
  before(async () => {
    server = createHttpServer(readConfig({}).http, (_request, response) => void response.end('ok'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());

  const exchange = async (sent: string): Promise<string> => {
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.write(sent);
    return text(socket);
  };

  it('is open to this machine only, unless AUTH=none', () => {
    const { http } = readConfig({});
    const open = { ...http, host: '0.0.0.0' };
    assert.throws(() => createHttpServer(open, () => {}), PlainError);
    createHttpServer({ ...open, auth: 'none' }, () => {}).close();
  });

  it('answers what is no HTTP with an outcome', async () => {
    const answer = await exchange('HELLO\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(answer, /Content-Type: application\/fhir\+json/);
    assert.equal(JSON.parse(answer.slice(answer.indexOf('{'))).issue[0].code, 'structure');
  });

  it('says that a URL is too long', async () => {
    const answer = await exchange(`GET /fhir/Patient?name=${'x'.repeat(40_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 431 /);
    assert.match(answer, /_search/);
  });

  it('takes a long one', async () => {
    const answer = await exchange(
      `GET /fhir/Patient?name=${'x'.repeat(30_000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  });
});
