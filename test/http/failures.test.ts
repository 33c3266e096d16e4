/** What a client gets for what was thrown, and that a bug tells the log and not the client. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { error, FhirError } from '../../src/fhir/outcome.ts';
import { errorReply } from '../../src/http/errors.ts';

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
