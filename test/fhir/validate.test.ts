/** Validation: what R4 allows passes, what it does not is named with its place and a way out. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseJson, plain, stringifyJson } from '../../src/fhir/json.ts';
import { loadValidators } from '../../src/fhir/schema-validators.ts';
import { resourceTypes } from '../../src/fhir/structure.ts';
import { validate } from '../../src/fhir/validate.ts';
import { examplesMissing, officialExamples } from './examples.ts';

const observation = { resourceType: 'Observation', status: 'final', code: { text: 'Potassium' } };
const patient = { resourceType: 'Patient' };
const div = '<div xmlns="http://www.w3.org/1999/xhtml"><p>ok</p></div>';

/** Errors only, as `expression: text`. */
function errors(resource: { readonly resourceType: string }): string[] {
  const issues = validate(resource, resource.resourceType).filter((issue) => issue.severity === 'error');
  return issues.map((issue) => `${issue.code} ${issue.expression?.join()}: ${issue.text}`);
}

function only(resource: { readonly resourceType: string }, ...patterns: RegExp[]): void {
  const found = errors(resource);
  assert.equal(found.length, patterns.length, `${found.join('\n')}\ninstead of\n${patterns.join('\n')}`);
  for (const pattern of patterns)
    assert.ok(
      found.some((one) => pattern.test(one)),
      `${pattern} not in\n${found.join('\n')}`,
    );
}

/** Examples that are not R4, and why. */
const faulty = new Map([['Observation-clinical-gender.json', 'its performer is an Encounter, which R4 does not allow there']]);

describe('the official examples', { skip: examplesMissing }, () => {
  it('are valid, except the faulty ones', () => {
    const examples = officialExamples();
    assert.equal(examples.length, 138);
    for (const [name, example] of examples)
      assert.equal(errors(example).length, faulty.has(name) ? 1 : 0, `${name}: ${errors(example)}`);
  });

  it('are never judged milder than by HL7’s schema, however mutilated', async () => {
    const validators = await loadValidators();
    const examples = officialExamples().map(([, example]) => stringifyJson(example));
    const changes = fc.constantFrom<[RegExp, string]>(
      [/"(\w+)":/g, '"x$1":'],
      [/:"[^"]*"/g, ':17'],
      [/:"[^"]*"/g, ':""'],
      [/:"[^"]*"/g, ':" a  b "'],
      [/:"[^"]*"/g, ':[null]'],
      [/:\{/g, ':[{'],
      [/:\{/g, ':null,"y":{'],
      [/:\[\{/g, ':{"a":[{'],
      [/:(true|false|-?\d+)/g, ':"$1"'],
      [/"[^"]*":"[^"]*",/g, ''],
    );
    fc.assert(
      fc.property(fc.constantFrom(...examples), changes, fc.nat(), (text, [pattern, replacement], nth) => {
        const found = [...text.matchAll(pattern)];
        const match = found[nth % Math.max(1, found.length)];
        if (!match) return;
        let mutant: unknown;
        try {
          mutant = parseJson(
            text.slice(0, match.index) +
              match[0].replace(new RegExp(pattern.source), replacement) +
              text.slice(match.index + match[0].length),
          );
        } catch {
          return;
        }
        const { resourceType } = JSON.parse(text);
        const issues = validate(mutant, resourceType);
        if (validators.get(resourceType)?.(plain(mutant)) === false) {
          assert.ok(issues.some((issue) => issue.severity === 'error'));
          // The walk knows all the schema knows: its words, not ajv's, reach the client.
          assert.ok(
            !issues.some((issue) => / must (NOT have|be equal|match|have required)/.test(issue.text)),
            JSON.stringify(issues),
          );
        }
        for (const issue of issues)
          assert.ok(issue.expression?.[0]?.startsWith(resourceType) || issue.severity === 'information');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('structure', () => {
  it('names what is missing, unknown, or of the wrong shape', () => {
    only({ resourceType: 'Observation' }, /required Observation.status/, /required Observation.code/);
    only({ ...observation, vlaueQuantity: {} } as never, /structure Observation.vlaueQuantity: .* did you mean valueQuantity\?/);
    only({ ...observation, value: 'x' } as never, /Observation.value is no element .* write valueQuantity, .* or valuePeriod/);
    only(
      { ...patient, name: { family: 'A' } } as never,
      /structure Patient.name: Patient.name must be an array, not an object; put it in \[ ]/,
    );
    only({ ...patient, name: ['A'] } as never, /Patient.name\[0]: .* must be an object \(HumanName\), not a string/);
    only({ ...patient, gender: ['male'] } as never, /Patient.gender must be a string in double quotes, not an array/);
    only({ ...patient, birthDate: null } as never, /Patient.birthDate is null; leave it out/);
    only(
      { ...observation, valueString: 'a', valueInteger: 1 } as never,
      /Observation.value is given twice, as valueString and as valueInteger/,
    );
    only(
      { resourceType: 'MedicationStatement', status: 'active', subject: { display: 'x' } } as never,
      /required MedicationStatement.medication: .* medicationCodeableConcept or medicationReference/,
    );
    assert.match(validate([], 'Patient')[0]?.text ?? '', /must be a JSON object, not an array/);
    assert.match(validate({ resourceType: 'Person' }, 'Patient')[0]?.text ?? '', /is "Person"; here it must be "Patient"/);
    assert.match(validate({}, 'Patient')[0]?.text ?? '', /resourceType is missing/);
  });

  it('refuses empty things', () => {
    only({ ...patient, name: [] } as never, /Patient.name is an empty array/);
    only({ ...patient, name: [{}] } as never, /Patient.name\[0] is an empty object/);
    only({ ...patient, name: [{ family: '' }] } as never, /Patient.name\[0].family is an empty string/);
    only({ ...patient, name: [{ family: ' \n' }] } as never, /only whitespace/);
    only({ ...patient, name: [{ id: 'x' }] } as never, /ele-1/);
    only({ ...patient, _birthDate: { id: 'x' } } as never, /invariant Patient.birthDate: .*ele-1/);
  });

  it('pairs primitives with their siblings', () => {
    const extension = [{ url: 'http://example.org/x', valueString: 'y' }];
    only({ ...patient, name: [{ given: ['A', null], _given: [null, { extension }] }] } as never);
    only({ ...patient, _birthDate: { extension } } as never);
    only({ resourceType: 'Observation', _status: { extension }, code: { text: 'x' } } as never);
    only({ ...patient, name: [{ given: ['A', null] }] } as never, /Patient.name\[0].given\[1] is null without an extension/);
    only({ ...patient, name: [{ given: ['A'], _given: [null, { extension }] }] } as never, /has 1 values but 2 in _given/);
    only({ ...patient, name: [{ given: ['A'], _given: { extension } }] } as never, /\(_given\) must be an array/);
    only({ ...patient, _name: [{ extension }] } as never, /Patient.`?_name`? is no element/);
    only({ ...patient, _birthDate: { valueString: 'x' } } as never, /Patient.birthDate.valueString is no element of Element/);
  });

  it('looks into contained resources', () => {
    const holding = (contained: object) => ({ ...observation, subject: { reference: '#a' }, contained: [contained] });
    only(holding({ resourceType: 'Patient', id: 'a', birthDate: '2019-02-30' }), /value Observation.contained\[0].birthDate/);
    only(
      holding({ resourceType: 'Device', id: 'a', deviceName: [{ name: 'x', type: '' }], note: [null] }),
      /deviceName\[0].type is an empty string/,
      /note\[0] is null/,
    );
    only(
      holding({ resourceType: 'Device', id: 'a', extension: [{ valueString: 'x' }] }),
      /contained\[0].extension\[0].url is missing/,
    );
    only(
      holding({ resourceType: 'Device', id: 'a', text: { status: 'generated', div: '<div><script/></div>' } }),
      /contained\[0].text.div uses the element <script>/,
    );
    only(holding({ resourceType: 'Nonsense', id: 'a' }), /no R4 resource type/);
    only(holding({ id: 'a' }), /resourceType is missing/);
    only(holding({ resourceType: 'Device', id: 'b' }), /ref-1/, /dom-3/);
  });

  it('ends a long list of issues', () => {
    const issues = validate({ ...patient, name: Array.from({ length: 100_000 }, () => 1) }, 'Patient');
    assert.equal(issues.length, 101);
    assert.match(issues.at(-1)?.text ?? '', /first 100/);
  });
});

describe('primitives', () => {
  const cases: readonly [object, RegExp | undefined][] = [
    [{ birthDate: '2019-02-29' }, /value Patient.birthDate: .* must be a calendar date/],
    [{ birthDate: '2020-02-29' }, undefined],
    [{ deceasedDateTime: '2019-05-31T10:00:00' }, /offset/],
    [{ deceasedDateTime: '2019-05-31T10:00:00+02:00' }, undefined],
    [{ meta: { lastUpdated: '2019' } }, /an instant/],
    [{ active: 'true' }, /true or false, without quotes, not a string/],
    [{ multipleBirthInteger: 1.5 }, /is 1.5, but must be a whole number/],
    [{ multipleBirthInteger: 2147483648 }, /from -2147483648 to 2147483647/],
    [{ multipleBirthInteger: JSON.rawJSON('1.0') }, /is written 1.0/],
    [{ telecom: [{ rank: 0 }] }, /from 1 to/],
    [{ id: 'a_b' }, /1 to 64/],
    [{ id: 'a'.repeat(65) }, /1 to 64/],
    [{ language: 'de ' }, /no spaces at either end/],
    [{ language: 'de\u00a0x' }, /a code/],
    [{ implicitRules: 'http://a b' }, /without spaces/],
    [{ photo: [{ contentType: 'image/png', data: 'AAA' }] }, /base64/],
    [{ photo: [{ contentType: 'image/png', data: 'AAA=' }] }, undefined],
    [{ name: [{ text: 'a\u0007' }] }, /control character/],
    [{ name: [{ text: '\u00a0a\u2028b\t\n' }] }, undefined],
    [{ name: [{ text: 'a'.repeat(1024 * 1024 + 1) }] }, /too-long Patient.name\[0].text/],
    [{ gender: 'mail' }, /code-invalid Patient.gender: .* is "mail"; allowed is male, female, other or unknown/],
    [{ generalPractitioner: [{ reference: 'nonsense' }] }, /value Patient.generalPractitioner\[0].reference/],
    [
      { generalPractitioner: [{ reference: 'Patient/1' }] },
      /refers to Patient; allowed is Organization, Practitioner or PractitionerRole/,
    ],
    [{ generalPractitioner: [{ reference: 'urn:uuid:a' }, { reference: 'http://example.org/1' }, { display: 'x' }] }, undefined],
  ];
  it('are what R4 says', () => {
    for (const [part, pattern] of cases) only({ ...patient, ...part }, ...(pattern ? [pattern] : []));
  });

  it('keep their digits and their range', () => {
    const value = (digits: string) =>
      parseJson(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":${digits}}}`);
    for (const digits of ['6.30', '1e-7', '0.000', '12345678901234567890.10'])
      assert.deepEqual(errors(value(digits) as never), []);
    assert.match(errors(value('1e400') as never).join(), /value Observation.value.value: .* larger than any number/);
    assert.match(errors(value('"6.3"') as never).join(), /a number, without quotes, not a string/);
  });

  it('of required bindings on concepts need a coding of the value set', () => {
    const condition = { resourceType: 'Condition', subject: { reference: 'Patient/1' } };
    only(
      { ...condition, clinicalStatus: { text: 'active' } } as never,
      /code-invalid Condition.clinicalStatus: .* active, .* of http/,
    );
    only({
      ...condition,
      clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
    } as never);
  });
});

describe('narratives', () => {
  const good = [
    div,
    '<div>a &amp; b &nbsp; &#8211;<br/><img src="a.png" alt="x"/></div>',
    '<div><a href="http://x?a&amp;b">x</a><!-- > --></div>',
    "<div title='a'><table><tr><td>1</td></tr></table></div>\n",
  ];
  const bad = [
    'text',
    '<p>x</p>',
    '<div>x',
    '<div><p>x</div></p>',
    '<div>x</div><div>y</div>',
    '<div>x</div>y',
    '<div> </div>',
    '<div/>',
    '<div>a & b</div>',
    '<div>a < b</div>',
    '<div><script>x</script></div>',
    '<div><iframe src="x"/>x</div>',
    '<div onclick="x()">x</div>',
    '<div><img src="x" OnError="x()"/></div>',
    '<div><a href="javascript:x()">x</a></div>',
    '<div><a href=" java&#x09;script&colon;x()">x</a></div>',
    '<div><a href=x>x</a></div>',
    '<!DOCTYPE x><div>x</div>',
    '<div><![CDATA[x]]></div>',
    '<div><style>x</style></div>',
  ];
  it('are basic XHTML', () => {
    for (const text of good) only({ ...patient, text: { status: 'generated', div: text } } as never);
    for (const text of bad)
      assert.equal(errors({ ...patient, text: { status: 'generated', div: text } } as never).length, 1, text);
  });
});

describe('anything at all', () => {
  it('is judged without an exception', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...resourceTypes),
        fc.dictionary(
          fc.constantFrom('id', 'code', 'name', 'subject', 'contained', 'extension', 'entry', 'value', '_id', 'component'),
          fc.jsonValue(),
        ),
        (resourceType, parts) => {
          const issues = validate({ resourceType, ...parts }, resourceType);
          assert.ok(issues.every((issue) => issue.text.length > 0));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
