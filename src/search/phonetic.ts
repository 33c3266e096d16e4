/** How a name sounds, by American Soundex: the way R4 leaves to the server for `phonetic`. https://www.archives.gov/research/census/soundex */
import { isJsonObject } from '../fhir/json.ts';
import type { Leaf } from './expression.ts';
import { foldText } from './fold-text.ts';
import { digest, type IndexRows } from './index-rows.ts';

const codes: Readonly<Record<string, string>> = Object.fromEntries(
  ['bfpv', 'cgjkqsxz', 'dt', 'l', 'mn', 'r'].flatMap((letters, index) =>
    [...letters].map((letter) => [letter, String(index + 1)]),
  ),
);

/** Of a word in Latin letters; undefined where no letter is known. */
export function soundex(word: string): string | undefined {
  const letters = foldText(word).replace(/[^a-z]/g, '');
  const [first] = letters;
  if (first === undefined) return undefined;
  let code = first;
  let last = codes[first];
  for (const letter of letters.slice(1)) {
    const digit = codes[letter];
    if (digit !== undefined && digit !== last) code += digit;
    // h and w do not part two letters of one sound, vowels do.
    if (letter !== 'h' && letter !== 'w') last = digit;
  }
  return code.padEnd(4, '0').slice(0, 4);
}

export function soundexRows(param: number, { value, place }: Leaf, rows: IndexRows): void {
  if (!isJsonObject(value)) return;
  const texts = [value['family'], value['given']].flat();
  const words = texts.flatMap((text) => (typeof text === 'string' ? text.split(/\s+/u) : []));
  for (const sound of new Set(words.map(soundex)))
    if (sound !== undefined) rows.string.push({ param, place, edge: 0, folded: sound, exact: digest(sound), whole: null });
}
