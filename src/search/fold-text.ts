/** Text as string searches compare it: case, accents, punctuation and the amount of white space do not count. https://hl7.org/fhir/R4/search.html#string */

export function foldText(text: string): string {
  if (/^[a-z0-9 ]*$/.test(text) && !text.includes('  ')) return text.trim();
  return /^[ -~]*$/.test(text) ? foldAscii(text) : foldAny(text);
}

function foldAscii(text: string): string {
  return text
    .replace(/[!-#%-*,-/:;?@[-\]_{}]/g, '')
    .toLowerCase()
    .replace(/ +/g, ' ')
    .trim();
}

/** What holds for every text. */
export function foldAny(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[\p{M}\p{P}\p{Cc}\p{Cf}]/gu, (mark) => (/\s/u.test(mark) ? ' ' : ''))
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();
}
