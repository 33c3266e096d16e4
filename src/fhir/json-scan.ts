/** One pass over a JSON text that finds what JSON.parse overlooks or explains badly. https://www.rfc-editor.org/rfc/rfc8259 */
import { type FhirError, fault } from './outcome.ts';

interface Scan {
  readonly text: string;
  readonly depthMax: number;
  at: number;
  depth: number;
  canonical: boolean;
  /** Keys and indexes that lead to the container being scanned. */
  readonly path: (string | number)[];
}

/** Returns whether every number is written as JavaScript would write it. Throws FhirError `malformed`. */
export function scanJson(text: string, depthMax: number): boolean {
  const scan: Scan = { text, depthMax, at: 0, depth: 0, canonical: true, path: [] };
  if (!text.isWellFormed()) throw refuse(scan, firstLoneSurrogate(text), loneSurrogate);
  skipSpace(scan);
  if (scan.at === text.length) throw refuse(scan, scan.at, 'There is no JSON here; a resource was expected.');
  scanValue(scan);
  skipSpace(scan);
  if (scan.at < text.length) throw unexpected(scan, 'the end of the text');
  return scan.canonical;
}

const loneSurrogate = 'A string holds half of a surrogate pair, which is no Unicode character.';

function firstLoneSurrogate(text: string): number {
  return text.search(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/);
}

function scanValue(scan: Scan): void {
  const first = scan.text.charCodeAt(scan.at);
  if (first === 0x22) scanString(scan);
  else if (first === 0x7b) scanObject(scan);
  else if (first === 0x5b) scanArray(scan);
  else if (first === 0x74) scanWord(scan, 'true');
  else if (first === 0x66) scanWord(scan, 'false');
  else if (first === 0x6e) scanWord(scan, 'null');
  else scanNumber(scan);
}

function scanObject(scan: Scan): void {
  descend(scan);
  const keys = new Set<string>();
  for (;;) {
    skipSpace(scan);
    const start = scan.at;
    const code = scan.text.charCodeAt(start);
    if (code === 0x7d && keys.size === 0) break;
    if (code !== 0x22) throw unexpected(scan, keys.size === 0 ? 'a key in double quotes or }' : 'a key in double quotes');
    const key = scanString(scan);
    if (keys.has(key))
      throw refuse(scan, start, `The key ${pathTo(scan, key)} is written twice in one object; keep one of them.`);
    if (key === '__proto__') throw refuse(scan, start, `The key ${pathTo(scan, key)} is not allowed.`);
    keys.add(key);
    skipSpace(scan);
    if (scan.text.charCodeAt(scan.at) !== 0x3a) throw unexpected(scan, 'a colon after the key');
    scan.at++;
    skipSpace(scan);
    scan.path.push(key);
    scanValue(scan);
    scan.path.pop();
    if (!another(scan, 0x7d, 'a comma or }')) break;
  }
  scan.at++;
  scan.depth--;
}

function scanArray(scan: Scan): void {
  descend(scan);
  for (let index = 0; ; index++) {
    skipSpace(scan);
    if (index === 0 && scan.text.charCodeAt(scan.at) === 0x5d) break;
    scan.path.push(index);
    scanValue(scan);
    scan.path.pop();
    if (!another(scan, 0x5d, 'a comma or ]')) break;
  }
  scan.at++;
  scan.depth--;
}

/** Whether a comma, already stepped over, announces another member; false when `close` is next. */
function another(scan: Scan, close: number, wanted: string): boolean {
  skipSpace(scan);
  const code = scan.text.charCodeAt(scan.at);
  if (code === close) return false;
  if (code !== 0x2c) throw unexpected(scan, wanted);
  scan.at++;
  return true;
}

function descend(scan: Scan): void {
  scan.depth++;
  if (scan.depth > scan.depthMax) {
    throw refuse(scan, scan.at, `The JSON is nested more than ${scan.depthMax} levels deep, which is the limit here.`);
  }
  scan.at++;
}

const escapes = new Set(['"', '\\', '/', 'b', 'f', 'n', 'r', 't']);

/** Steps over a string and returns its value. */
function scanString(scan: Scan): string {
  const { text } = scan;
  const start = scan.at++;
  let escaped = false;
  for (;;) {
    const code = text.charCodeAt(scan.at);
    if (code === 0x22) break;
    if (code === 0x5c) {
      escaped = true;
      scanEscape(scan);
    } else if (code < 0x20) {
      throw refuse(scan, scan.at, 'A string holds a control character; write it as an escape such as \\n.');
    } else if (scan.at >= text.length) {
      throw refuse(scan, start, 'A string is not closed.');
    } else scan.at++;
  }
  scan.at++;
  return escaped ? String(JSON.parse(text.slice(start, scan.at))) : text.slice(start + 1, scan.at - 1);
}

function scanEscape(scan: Scan): void {
  const start = scan.at;
  const letter = scan.text.charAt(start + 1);
  if (escapes.has(letter)) {
    scan.at += 2;
    return;
  }
  const unit = unicodeEscapeAt(scan.text, start);
  if (unit === undefined) throw refuse(scan, start, 'A string holds an escape that JSON does not know.');
  if (unit === 0) throw refuse(scan, start, 'A string holds the character U+0000, which FHIR strings must not contain.');
  scan.at += 6;
  if (unit < 0xd800 || unit > 0xdfff) return;
  const second = unicodeEscapeAt(scan.text, scan.at);
  if (unit > 0xdbff || second === undefined || second < 0xdc00 || second > 0xdfff) throw refuse(scan, start, loneSurrogate);
  scan.at += 6;
}

function unicodeEscapeAt(text: string, at: number): number | undefined {
  const hex = text.slice(at + 2, at + 6);
  return text.startsWith('\\u', at) && /^[0-9a-fA-F]{4}$/.test(hex) ? Number.parseInt(hex, 16) : undefined;
}

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

function scanNumber(scan: Scan): void {
  numberPattern.lastIndex = scan.at;
  const token = numberPattern.exec(scan.text)?.[0];
  if (token === undefined) throw unexpected(scan, 'a value');
  if (scan.canonical && String(Number(token)) !== token) scan.canonical = false;
  scan.at += token.length;
}

function scanWord(scan: Scan, word: string): void {
  if (!scan.text.startsWith(word, scan.at)) throw unexpected(scan, 'a value');
  scan.at += word.length;
}

function skipSpace(scan: Scan): void {
  const { text } = scan;
  let code = text.charCodeAt(scan.at);
  while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt(++scan.at);
}

function unexpected(scan: Scan, wanted: string): FhirError {
  if (scan.at >= scan.text.length) return refuse(scan, scan.at, `The JSON ends too early: ${wanted} was expected.`);
  const found = JSON.stringify(String.fromCodePoint(scan.text.codePointAt(scan.at) ?? 0));
  return refuse(scan, scan.at, `The JSON is not well-formed: ${wanted} was expected, but ${found} was found.`);
}

function refuse(scan: Scan, at: number, text: string): FhirError {
  const before = scan.text.slice(0, at);
  const line = before.split('\n').length;
  const column = at - before.lastIndexOf('\n');
  return fault('malformed', 'structure', `${text} (line ${line}, column ${column})`);
}

/** The path of a key for people, cut short where the sender made it long. */
function pathTo(scan: Scan, key: string): string {
  let path = '';
  for (const step of [...scan.path, key]) path += typeof step === 'number' ? `[${step}]` : path === '' ? step : `.${step}`;
  return path.length > 200 ? `…${path.slice(-200)}` : path;
}
