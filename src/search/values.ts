/** Search values as they stand in a URL: prefixes, escapes, OR lists. https://hl7.org/fhir/R4/search.html#escaping */

export type Prefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap';

const prefixes: readonly string[] = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'];

/** Splits at `separator` where no backslash stands before it; the parts keep their escapes. */
export function splitEscaped(text: string, separator: ',' | '|' | '$'): readonly string[] {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === separator) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, text.slice(from)];
}

/** `\,` `\|` `\$` `\\` become the character; another backslash stands for itself. */
export function unescapeValue(text: string): string {
  return text.includes('\\') ? text.replace(/\\([,|$\\])/g, '$1') : text;
}

/** A prefix counts only before a digit, a sign or a point, so that `le` of a word is none. */
export function splitPrefix(text: string): readonly [Prefix, string] {
  const word = text.slice(0, 2);
  return prefixes.includes(word) ? [word as Prefix, text.slice(2)] : ['eq', text];
}
