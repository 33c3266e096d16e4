/** Which format comes back: `_format` before Accept, JSON or a 406. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FhirError } from '../../src/fhir/outcome.ts';
import { negotiate } from '../../src/http/negotiation.ts';

const none = new URLSearchParams();
const fhirJson = 'application/fhir+json; charset=utf-8';
const json = 'application/json; charset=utf-8';

const accepted: readonly (readonly [accept: string | undefined, contentType: string])[] = [
  [undefined, fhirJson],
  ['', fhirJson],
  ['*/*', fhirJson],
  ['application/*', fhirJson],
  ['application/fhir+json', fhirJson],
  ['Application/FHIR+JSON; charset=UTF-8', fhirJson],
  ['application/json', json],
  ['text/json', 'text/json; charset=utf-8'],
  ['application/fhir+json;q=0.1, application/json', json],
  ['application/fhir+xml, application/fhir+json;q=0.5', fhirJson],
  ['application/fhir+json; fhirVersion=4.0', fhirJson],
  ['application/fhir+json; fhirVersion=3.0, application/fhir+json; fhirVersion="4.0"', fhirJson],
  ['*/*, application/fhir+json;q=0', json],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', json],
  ['text/html', json],
  ['nonsense, application/fhir+json', fhirJson],
];

const refused = [
  'application/fhir+xml',
  'text/turtle',
  'image/png',
  'application/fhir+json; fhirVersion=3.0',
  'application/fhir+json;q=0',
  'nonsense',
];

const formats: readonly (readonly [query: string, contentType: string])[] = [
  ['_format=json', fhirJson],
  ['_format=application/json', json],
  ['_format=application/fhir%2Bjson', fhirJson],
  ['_format=application/fhir+json', fhirJson],
  ['_format=text/json', 'text/json; charset=utf-8'],
];

function refusal(run: () => unknown): FhirError {
  try {
    run();
  } catch (thrown) {
    assert.ok(thrown instanceof FhirError);
    return thrown;
  }
  assert.fail('it was accepted');
}

describe('negotiate', () => {
  for (const [accept, contentType] of accepted) {
    it(`Accept: ${accept} → ${contentType}`, () => {
      assert.deepEqual(negotiate(accept, none), { contentType, pretty: false });
    });
  }

  for (const accept of refused) {
    it(`Accept: ${accept} → 406`, () => {
      const { kind, issues } = refusal(() => negotiate(accept, none));
      assert.equal(kind, 'not-acceptable');
      assert.deepEqual(issues[0]?.expression, ['http.Accept']);
    });
  }

  for (const [query, contentType] of formats) {
    it(`${query} wins over Accept`, () => {
      assert.equal(negotiate('application/fhir+xml', new URLSearchParams(query)).contentType, contentType);
    });
  }

  it('refuses other _formats, however good the Accept', () => {
    for (const format of ['xml', 'application/fhir%2Bxml', 'ttl', 'html', '', 'json2']) {
      const { kind, issues } = refusal(() => negotiate('*/*', new URLSearchParams(`_format=${format}`)));
      assert.equal(kind, 'not-acceptable', format);
      assert.deepEqual(issues[0]?.expression, ['_format']);
    }
  });

  it('understands _pretty', () => {
    assert.equal(negotiate(undefined, new URLSearchParams('_pretty=true')).pretty, true);
    assert.equal(negotiate(undefined, new URLSearchParams('_pretty=false')).pretty, false);
    assert.equal(refusal(() => negotiate(undefined, new URLSearchParams('_pretty=yes'))).kind, 'malformed');
  });
});
