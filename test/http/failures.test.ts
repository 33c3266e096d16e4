/** What a client gets for what was thrown, and that a bug tells the log and not the client. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import request from 'supertest';
import { error, FhirError } from '../../src/fhir/outcome.ts';
import { errorReply } from '../../src/http/errors.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { outcome } from '../support/outcome.ts';

describe('errorReply', () => {
  it('takes status and headers from the kind of fault', () => {
    const issues = [error('conflict', 'No.')];
    const thrown = new FhirError('conflict', issues, { headers: { Allow: 'GET' } });
    assert.deepEqual(errorReply(thrown, 'r1'), { status: 409, headers: { Allow: 'GET' }, issues, isBug: false });
  });

  it('says when to come back to what is out of order', () => {
    assert.equal(errorReply(new FhirError('unavailable', []), 'r1').headers['Retry-After'], '2');
    const later = new FhirError('unavailable', [], { headers: { 'Retry-After': '30' } });
    assert.equal(errorReply(later, 'r1').headers['Retry-After'], '30');
  });

  for (const thrown of [new Error('SELECT name FROM Patient'), new TypeError('x'), 'text', undefined, null]) {
    it(`tells nothing of ${thrown}`, () => {
      const text = 'The gateway failed; this is a fault of its own. Its log tells more under the request id r1.';
      assert.deepEqual(errorReply(thrown, 'r1'), { status: 500, headers: {}, issues: [error('exception', text)], isBug: true });
    });
  }
});

describe('A gateway in trouble', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  it('tells the client the request id, and the log the rest', async () => {
    await gateway.pool.query('RENAME TABLE fhir_resource TO fhir_elsewhere');
    const { body } = await request(gateway.app).get('/fhir/Patient/pt-1').set('X-Request-Id', 'r2').expect(500);
    await gateway.pool.query('RENAME TABLE fhir_elsewhere TO fhir_resource');
    const text = 'The gateway failed; this is a fault of its own. Its log tells more under the request id r2.';
    assert.deepEqual(body, outcome(['error', 'exception', text]));
    const bug = gateway.logLines.map((line) => JSON.parse(line)).find(({ event }) => event === 'bug');
    assert.equal(bug.id, 'r2');
    assert.equal(bug.route, '/fhir/Patient/:id');
  });

  it('notes that a client went away in the middle of its request', async () => {
    const server = gateway.app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.write(
      'POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nX-Request-Id: r3\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    );
    await delay(50);
    socket.destroy();
    const logged = () => gateway.logLines.some((line) => line.includes('"r3"') && line.includes('"status":499'));
    for (let tries = 0; tries < 200 && !logged(); tries++) await delay(10);
    assert.ok(logged());
    server.close();
  });
});
