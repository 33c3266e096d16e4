/** Reads one term file and checks its shape, so that a slip in a reviewed table or in a site's override is told by file, row and reason. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { plausibleCode } from './check-digits.ts';

export interface CodedEntry {
  readonly text: string;
  readonly system: string;
  readonly code: string;
  readonly display: string;
  /** Dimension of ucum-units.json that the code is about; a result in a unit of another dimension is not this test. */
  readonly measures?: string;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** The file's place, for messages: `loinc-tests.json: rows[3].texts[1]`. */
export class Place {
  readonly #where: string;
  constructor(where: string) {
    this.#where = where;
  }
  at(step: string | number): Place {
    return new Place(
      typeof step === 'number' ? `${this.#where}[${step}]` : `${this.#where}${this.#where.endsWith(':') ? ' ' : '.'}${step}`,
    );
  }
  fail(reason: string): never {
    throw new Error(`Term table ${this.#where} ${reason}`);
  }
  object(value: unknown): JsonObject {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.fail('must be an object');
    return { ...value };
  }
  list(value: unknown): readonly unknown[] {
    if (!Array.isArray(value)) this.fail('must be an array');
    return value;
  }
  positive(value: unknown): number {
    if (typeof value !== 'number' || value <= 0) this.fail('must be a number above 0');
    return value;
  }
  text(value: unknown): string {
    if (typeof value !== 'string' || value === '' || value !== value.trim()) this.fail('must be text without spaces around it');
    return value;
  }
}

export interface TermFile {
  readonly place: Place;
  readonly content: JsonObject;
  readonly version: string;
}

/** A table of the project; the file must be there. */
export function readTermFile(name: string): TermFile {
  return parseTermFile(name, readFileSync(new URL(`./${name}`, import.meta.url), 'utf8'));
}

/** The site's file of the same name; undefined when the site has none. */
export function readOverride(directory: string | undefined, name: string): TermFile | undefined {
  if (directory === undefined) return undefined;
  const path = join(directory, name);
  return existsSync(path) ? parseTermFile(path, readFileSync(path, 'utf8')) : undefined;
}

function parseTermFile(name: string, text: string): TermFile {
  const place = new Place(`${name}:`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    place.fail(`is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const content = place.object(parsed);
  place.at('source').text(content['source']);
  return { place, content, version: place.at('version').text(content['version']) };
}

/** The rows of a table or of one of its groups: `{ system, rows: [{ code, display, texts, measures? }] }`, flat, one entry a text. */
export function codedRows(place: Place, holder: JsonObject): readonly CodedEntry[] {
  const system = place.at('system').text(holder['system']);
  return place
    .at('rows')
    .list(holder['rows'])
    .flatMap((item, index) => {
      const here = place.at('rows').at(index);
      const row = here.object(item);
      const coding = codedEntry(here, row, system);
      const texts = here.at('texts').list(row['texts']);
      if (texts.length === 0) here.fail('has no texts');
      return texts.map((text, i) => ({ ...coding, text: here.at('texts').at(i).text(text) }));
    });
}

/** The entries of an override: `{ entries: { "<text>": { code, display, system?, measures? } | null } }`; null takes the text out. */
export function overriding(place: Place, holder: JsonObject, system: string): ReadonlyMap<string, CodedEntry | null> {
  const entries = place.at('entries').object(holder['entries']);
  return new Map(
    Object.entries(entries).map(([text, value]) => {
      const here = place.at('entries').at(JSON.stringify(text));
      here.text(text);
      return [text, value === null ? null : { ...codedEntry(here, here.object(value), system), text }];
    }),
  );
}

function codedEntry(place: Place, row: JsonObject, otherwise: string): Omit<CodedEntry, 'text'> {
  const system = row['system'] === undefined ? otherwise : place.at('system').text(row['system']);
  const code = place.at('code').text(row['code']);
  if (!plausibleCode(system, code)) place.at('code').fail(`${code} is not a code of ${system}: its check digit is wrong`);
  const display = place.at('display').text(row['display']);
  return row['measures'] === undefined
    ? { system, code, display }
    : { system, code, display, measures: place.at('measures').text(row['measures']) };
}
