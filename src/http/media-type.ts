/** Media types with their parameters, as in Accept and Content-Type. https://www.rfc-editor.org/rfc/rfc9110#name-media-type */

export interface MediaType {
  /** `type/subtype`, lower case. */
  readonly name: string;
  /** Names in lower case, values without quotes. */
  readonly parameters: ReadonlyMap<string, string>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const range = new RegExp(`^${token}/${token}$`);
const parameter = new RegExp(`^(${token})\\s*=\\s*(?:(${token})|"((?:[^"\\\\]|\\\\.)*)")$`);

/** Null when the text is no media type. */
export function parseMediaType(text: string): MediaType | null {
  const [name = '', ...rest] = splitOutsideQuotes(text, ';');
  if (!range.test(name)) return null;
  const parameters = new Map<string, string>();
  for (const part of rest) {
    if (part === '') continue;
    const [, key, plain, quoted] = parameter.exec(part) ?? [];
    if (key === undefined) return null;
    parameters.set(key.toLowerCase(), plain ?? quoted?.replace(/\\(.)/g, '$1') ?? '');
  }
  return { name: name.toLowerCase(), parameters };
}

/** The pieces, trimmed. */
export function splitOutsideQuotes(text: string, separator: ',' | ';'): readonly string[] {
  if (!text.includes('"')) return text.split(separator).map((piece) => piece.trim());
  const pieces: string[] = [];
  let quoted = false;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (quoted && char === '\\') at++;
    else if (char === '"') quoted = !quoted;
    else if (char === separator && !quoted) {
      pieces.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  pieces.push(text.slice(from).trim());
  return pieces;
}

/** FHIR's own parameter of its media types; this gateway speaks R4. https://hl7.org/fhir/R4/versioning.html#mt-version */
export function isOurFhirVersion(type: MediaType): boolean {
  return ['4.0', '4.0.1', undefined].includes(type.parameters.get('fhirversion'));
}
