import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { HumanName } from 'fhir/r4.js';
import { nameFromFhir, nameToFhir } from '../../../mappings/grammar/human-name.ts';
import { isRefused } from '../../../mappings/grammar/refused.ts';

const absent = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }] };

describe('nameToFhir', () => {
  const safe: readonly (readonly [string, HumanName])[] = [
    ['Jane Smith', { family: 'Smith', given: ['Jane'] }],
    ['Jane  Mary   Smith', { family: 'Smith', given: ['Jane', 'Mary'] }],
    [' Jane Smith ', { family: 'Smith', given: ['Jane'] }],
    ['Smith, Jane Mary', { family: 'Smith', given: ['Jane', 'Mary'] }],
    ["O'Brien-Kelly, Seán", { family: "O'Brien-Kelly", given: ['Seán'] }],
    ['Ludwig van Beethoven', { family: 'van Beethoven', given: ['Ludwig'] }],
    ['Juana de la Cruz', { family: 'de la Cruz', given: ['Juana'] }],
    ['de la Cruz, Juana', { family: 'de la Cruz', given: ['Juana'] }],
    ['Dr. Jane Smith', { prefix: ['Dr.'], family: 'Smith', given: ['Jane'] }],
    ['John Smith Jr.', { family: 'Smith', given: ['John'], suffix: ['Jr.'] }],
    ['John Smith, MD', { family: 'Smith', given: ['John'], suffix: ['MD'] }],
    ['Prof. Dr. Ada King PhD', { prefix: ['Prof.', 'Dr.'], family: 'King', given: ['Ada'], suffix: ['PhD'] }],
    ['Лев Толстой', { family: 'Толстой', given: ['Лев'] }],
    ['Γιώργος Σεφέρης', { family: 'Σεφέρης', given: ['Γιώργος'] }],
  ];
  for (const [text, parts] of safe) {
    it(`splits ${JSON.stringify(text)}`, () => assert.deepEqual(nameToFhir(text), { text, ...parts }));
  }

  const unsafe = [
    'Madonna',
    '山田太郎',
    '山田 太郎',
    '김 철수',
    'محمد بن سلمان',
    'सचिन तेंदुलकर',
    'Smith, John, Jr.',
    'Smith Jr., John',
    'Dr. Smith',
    'John MD',
    'Test 123',
    'Smith,',
    ', John',
    'Jane (Janie) Smith',
    'a@b.example x',
    '- -',
    'van der',
    '👩 👨',
  ];
  for (const text of unsafe) {
    it(`keeps ${JSON.stringify(text)} as text only`, () => assert.deepEqual(nameToFhir(text), { text, ...absent }));
  }

  for (const text of ['', ' ']) {
    it(`has no text for ${JSON.stringify(text)}`, () => assert.deepEqual(nameToFhir(text), absent));
  }
});

describe('nameFromFhir', () => {
  it('chooses official, else usual, else the first that says anything', () => {
    const [old, usual, official] = [
      { use: 'old', text: 'A' },
      { use: 'usual', text: 'B' },
      { use: 'official', text: 'C' },
    ] as const;
    assert.equal(nameFromFhir([old, usual, official]), 'C');
    assert.equal(nameFromFhir([old, usual]), 'B');
    assert.equal(nameFromFhir([{ use: 'official' }, old]), 'A');
  });

  it('writes parts in order when there is no text', () => {
    const name: HumanName = { prefix: ['Dr.'], given: ['Jane', 'M.'], family: 'Smith', suffix: ['PhD'] };
    assert.equal(nameFromFhir([name]), 'Dr. Jane M. Smith PhD');
  });

  for (const names of [undefined, [], [{ use: 'official' as const }], [{ text: '  ' }]]) {
    it(`refuses ${JSON.stringify(names)} as required`, () => {
      const result = nameFromFhir(names);
      assert.ok(isRefused(result));
      assert.deepEqual([result.refuse.code, result.refuse.expression], ['required', ['Patient.name']]);
    });
  }

  it('counts 255 in code points and names the element', () => {
    const text = '𠮷'.repeat(255);
    assert.equal(nameFromFhir([{ text }]), text);
    const result = nameFromFhir([
      { use: 'old', text: 'x' },
      { use: 'official', text: `${text}a` },
    ]);
    assert.ok(isRefused(result));
    assert.deepEqual([result.refuse.code, result.refuse.expression], ['too-long', ['Patient.name[1]']]);
  });
});

describe('text → HumanName → text', () => {
  const anyName = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
    fc
      .array(fc.constantFrom('Dr.', 'Jane', 'van', 'der', 'Smith', 'Jr.', ',', 'O’Neil', '山田', 'MD', '-', "d'Arc", '', 'é'), {
        maxLength: 8,
      })
      .map((words) => words.join(' ')),
  );
  it('is identical and loses no letter in the parts', () => {
    fc.assert(
      fc.property(anyName, (text) => {
        const name = nameToFhir(text);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what FHIR forbids
        if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(text)) return;
        fc.pre(text.trim() !== '');
        assert.equal(name.text, text);
        assert.equal(nameFromFhir([name]), text);
        if (name.family === undefined) return;
        const parts = [...(name.prefix ?? []), ...(name.given ?? []), name.family, ...(name.suffix ?? [])].join(' ');
        const letters = (all: string) => [...all].filter((letter) => !/[\s,]/u.test(letter)).sort();
        assert.deepEqual(letters(parts), letters(text));
      }),
      { numRuns: 2000 },
    );
  });
});
