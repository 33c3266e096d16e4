/** The small grammars of HTTP: Prefer, entity tags, Content-Type, Content-Encoding, the query. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FhirError } from '../../src/fhir/outcome.ts';
import { checkContentType, isGzip, jsonTypes } from '../../src/http/content.ts';
import { corsHeaders, preflightHeaders } from '../../src/http/cors.ts';
import { queryOf } from '../../src/http/query.ts';
import { requestIdOf } from '../../src/http/request-id.ts';
import { etagOf, matches, parseEntityTags } from '../../src/interaction/etag.ts';
import { isId } from '../../src/interaction/id.ts';
import { parsePrefer } from '../../src/interaction/prefer.ts';

const kindOf = (kind: string) => (thrown: unknown) => thrown instanceof FhirError && thrown.kind === kind;

describe('Prefer', () => {
  const representation = { return: 'representation', handling: 'strict' };
  for (const [header, expected] of [
    [undefined, representation],
    ['', representation],
    ['return=minimal', { return: 'minimal', handling: 'strict' }],
    ['return=OperationOutcome', { return: 'OperationOutcome', handling: 'strict' }],
    ['RETURN = "minimal"', { return: 'minimal', handling: 'strict' }],
    ['handling=lenient', { return: 'representation', handling: 'lenient' }],
    ['return=minimal, handling=lenient', { return: 'minimal', handling: 'lenient' }],
    ['respond-async; return=minimal', { return: 'minimal', handling: 'strict' }],
    ['return=minimal, return=representation', { return: 'minimal', handling: 'strict' }],
    ['return=everything, handling=loose', representation],
    ['return=constructor', representation],
  ] as const) {
    it(`${header}`, () => assert.deepEqual(parsePrefer(header), expected));
  }
});

describe('Entity tags', () => {
  it('are weak and carry the version', () => assert.equal(etagOf(7), 'W/"7"'));

  for (const [header, expected] of [
    ['W/"3"', ['3']],
    ['"3"', ['3']],
    [' W/"1" , "2",W/"abc" ', ['1', '2', 'abc']],
    ['*', '*'],
    ['""', ['']],
  ] as const) {
    it(`${header} is understood`, () => assert.deepEqual(parseEntityTags('If-Match', header), expected));
  }

  for (const header of ['', '3', 'W/3', 'w/"3"', '"3', '"1" "2"', '"1",', 'W/"1"; x', '*, "1"', `${'"1",'.repeat(10_000)}x`]) {
    it(`${header.slice(0, 20)} is malformed`, () => {
      assert.throws(() => parseEntityTags('If-Match', header), kindOf('malformed'));
    });
  }

  it('match a version', () => {
    assert.ok(matches('*', 1));
    assert.ok(matches(['1', '2'], 2));
    assert.ok(!matches(['1', '02'], 2));
  });
});

describe('Content-Type', () => {
  for (const value of [
    'application/fhir+json',
    'application/json',
    'application/fhir+json; charset=utf-8',
    'application/fhir+json;charset="UTF-8"; fhirVersion=4.0',
  ]) {
    it(`${value} is read`, () => checkContentType(value, jsonTypes));
  }

  for (const value of [
    undefined,
    'application/fhir+xml',
    'text/plain',
    'json',
    'application/json; charset=latin1',
    'application/fhir+json; fhirVersion=5.0',
  ]) {
    it(`${value} is refused`, () => assert.throws(() => checkContentType(value, jsonTypes), kindOf('unsupported-media-type')));
  }
});

describe('Content-Encoding', () => {
  it('is gzip or none', () => {
    assert.equal(isGzip(undefined), false);
    assert.equal(isGzip('identity'), false);
    assert.equal(isGzip('GZIP'), true);
    for (const other of ['br', 'deflate', 'gzip, gzip']) assert.throws(() => isGzip(other), kindOf('unsupported-media-type'));
  });
});

describe('The query', () => {
  it('is what follows the question mark', () => {
    assert.equal(queryOf('/fhir/Patient').size, 0);
    assert.equal(queryOf('/fhir/Patient?').size, 0);
    assert.deepEqual(
      [...queryOf('/fhir/Patient?a=1&a=%C3%A9&b')],
      [
        ['a', '1'],
        ['a', 'é'],
        ['b', ''],
      ],
    );
  });

  it('is refused where its encoding is broken', () => {
    for (const query of ['a=%', 'a=%zz', 'a=%ff', 'a=%C3']) assert.throws(() => queryOf(`/x?${query}`), kindOf('malformed'));
  });
});

describe('Ids', () => {
  it('of resources have the syntax of FHIR', () => {
    for (const id of ['a', 'pt-1', 'A.b-9', 'x'.repeat(64)]) assert.ok(isId(id), id);
    for (const id of ['', 'a_b', 'a b', 'é', 'x'.repeat(65), 'a\n']) assert.ok(!isId(id), id);
  });

  it("of requests are the client's where harmless", () => {
    assert.equal(requestIdOf('abc-1.2_3'), 'abc-1.2_3');
    for (const given of [undefined, '', 'a b', 'x'.repeat(65), 'a"b', ['a', 'b']]) {
      assert.match(requestIdOf(given), /^[0-9a-f-]{36}$/);
    }
  });
});

describe('CORS', () => {
  const mine = 'https://app.example';
  it('is off without configured origins', () => assert.deepEqual(corsHeaders([], mine), {}));

  it('lets configured origins in and tells caches', () => {
    assert.equal(corsHeaders([mine], mine)['Access-Control-Allow-Origin'], mine);
    assert.deepEqual(corsHeaders([mine], 'https://other.example'), { Vary: 'Origin' });
    assert.deepEqual(corsHeaders([mine], undefined), { Vary: 'Origin' });
    assert.equal(corsHeaders(['*'], mine)['Access-Control-Allow-Origin'], '*');
  });

  it('answers preflights of those only', () => {
    assert.deepEqual(preflightHeaders(corsHeaders([mine], 'https://other.example'), 'GET'), {});
    assert.equal(preflightHeaders(corsHeaders([mine], mine), 'GET, PUT')['Access-Control-Allow-Methods'], 'GET, PUT');
  });
});
