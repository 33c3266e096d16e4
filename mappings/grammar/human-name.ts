/** Patient.name ↔ HumanName: the text exact, family and given derived only when the split is safe. https://hl7.org/fhir/R4/datatypes.html#HumanName */
import type { HumanName } from 'fhir/r4.js';
import { error } from '../../src/fhir/outcome.ts';
import { type Refused, tooLong } from './refused.ts';
import { validText } from './valid-text.ts';

export const nameLengthMax = 255;

interface Parts {
  readonly prefix?: string[];
  readonly given?: string[];
  readonly family?: string;
  readonly suffix?: string[];
}

const titles = new Set('dr dr. mr mr. mrs mrs. ms ms. miss prof prof. rev rev. sir dame'.split(' '));
const suffixes = new Set('jr jr. sr sr. ii iii iv md m.d. phd ph.d. do d.o. rn dds d.d.s. esq esq.'.split(' '));
/** Lower-case words that belong to the family name after them: van Beethoven, de la Cruz, bin Laden. */
const particles = new Set(
  'van von der den de del della di da dos das du la le el al bin ibn binti bint ben ter ten zu zur af av y e'.split(' '),
);

/**
 * Scripts whose written names usually put the family name last. Han, Kana and Hangul put it first, Arabic, Indic and South-East Asian
 * names often have none: those keep their text only.
 */
const word =
  /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Armenian}\p{Script=Georgian}\p{Script=Hebrew}\p{M}'’.-]+$/u;

/** Nobody knows whether the name has parts: said at the name itself, as the profiles built on R4 ask (text, or parts, or a reason). */
const unknownParts = {
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }],
};

/** A mononym, a name in a script we do not split, and anything odd: text and data-absent-reason. */
export function nameToFhir(text: string): HumanName {
  const shown = validText(text);
  const parts = split(text);
  return { ...(shown === undefined ? {} : { text: shown }), ...(parts ?? unknownParts) };
}

function split(text: string): Parts | undefined {
  const [front, back, ...more] = text.split(',').map((part) => part.trim());
  if (front === undefined || more.length > 0) return undefined;
  const words = front.split(/\s+/u);
  if (back === undefined) return lastWordIsFamily(words);
  const behind = back.split(/\s+/u);
  // "John Smith, MD" is not Mr MD Smith.
  if (behind.every(isSuffix)) return withSuffix(lastWordIsFamily(words), behind);
  return familyFirst(words, behind);
}

function familyFirst(family: readonly string[], given: readonly string[]): Parts | undefined {
  if (![...family, ...given].every(isWord)) return undefined;
  if ([...family, ...given].some((part) => isTitle(part) || isSuffix(part))) return undefined;
  return { family: family.join(' '), given: [...given] };
}

function lastWordIsFamily(words: readonly string[]): Parts | undefined {
  if (!words.every(isWord)) return undefined;
  const prefix = words.slice(0, countWhile(words, isTitle));
  const trailing = countWhile([...words].reverse(), isSuffix);
  const suffix = words.slice(words.length - trailing);
  const core = words.slice(prefix.length, words.length - trailing);
  if (core.length < 2 || core.some((part) => isTitle(part) || isSuffix(part))) return undefined;
  let start = core.length - 1;
  while (start > 1 && particles.has(core[start - 1] ?? '')) start--;
  if (core.slice(0, start).some((part) => particles.has(part))) return undefined;
  if (particles.has(core[core.length - 1] ?? '')) return undefined;
  return {
    ...(prefix.length > 0 ? { prefix } : {}),
    family: core.slice(start).join(' '),
    given: core.slice(0, start),
    ...(suffix.length > 0 ? { suffix } : {}),
  };
}

function withSuffix(parts: Parts | undefined, suffix: readonly string[]): Parts | undefined {
  return parts && { ...parts, suffix: [...(parts.suffix ?? []), ...suffix] };
}

function countWhile(words: readonly string[], matches: (word: string) => boolean): number {
  const end = words.findIndex((part) => !matches(part));
  return end === -1 ? words.length : end;
}

/** At least one letter: a lone hyphen or full stop is no name. */
const isWord = (part: string) => word.test(part) && /\p{L}/u.test(part);
const isTitle = (part: string) => titles.has(part.toLowerCase());
const isSuffix = (part: string) => suffixes.has(part.toLowerCase());

/** The name MediMax shows: official, else usual, else the first that says anything; its text, else its parts in writing order. */
export function nameFromFhir(names: readonly HumanName[] | undefined, expression = 'Patient.name'): string | Refused {
  const spoken = (names ?? []).flatMap((name, index) => {
    const text = written(name);
    return text === '' ? [] : [{ name, index, text }];
  });
  const chosen =
    spoken.find(({ name }) => name.use === 'official') ?? spoken.find(({ name }) => name.use === 'usual') ?? spoken[0];
  if (!chosen) {
    const text = `${expression} must give at least one name with a text, family or given: MediMax keeps no patient without one`;
    return { refuse: error('required', text, expression) };
  }
  return tooLong(chosen.text, nameLengthMax, `${expression}[${chosen.index}]`) ?? chosen.text;
}

function written(name: HumanName): string {
  if (typeof name.text === 'string' && name.text.trim() !== '') return name.text;
  const parts: readonly (string | null | undefined)[] = [
    ...(name.prefix ?? []),
    ...(name.given ?? []),
    name.family,
    ...(name.suffix ?? []),
  ];
  // A null stands for an array item that has extensions only.
  return parts.filter((part) => typeof part === 'string' && part.trim() !== '').join(' ');
}
