/** Unit texts ↔ UCUM codes, and what can be converted into what. https://ucum.org */
import { fold } from './fold.ts';
import type { JsonObject, Place, TermFile } from './term-file.ts';

export const ucumSystem = 'http://unitsofmeasure.org';

export interface UnitTable {
  readonly version: string;
  /** Every UCUM code of the table. */
  readonly codes: readonly string[];
  /** UCUM code of a unit text: as written first, then in any case where that is safe. Undefined when not sure. */
  code(text: string | null | undefined): string | undefined;
  /** Every text that reads as this UCUM code, the code itself included where it is one. */
  texts(code: string): readonly string[];
  /** Kind of quantity of a UCUM code: codes of one dimension convert into each other where toCanonical knows both. */
  dimension(code: string): string | undefined;
  /** `factor` canonical units make one of this code; undefined where the code is unknown or not linear (temperatures). */
  toCanonical(code: string): { readonly code: string; readonly factor: number } | undefined;
  /** What a unit text is about; undefined when unknown or when its letters in another case mean something else. */
  dimensionOfText(text: string | null | undefined): string | undefined;
  /** All texts that dimensionOfText gives this dimension; compare with the column's own collation. */
  textsOfDimension(dimension: string): readonly string[];
  /** All texts that dimensionOfText gives any other dimension. */
  textsOfOtherDimension(dimension: string): readonly string[];
}

interface Unit {
  readonly code: string;
  readonly dimension: string;
  readonly factor?: number;
  readonly ignoreCase: boolean;
  readonly texts: readonly string[];
}

/** Builds the table of ucum-units.json; `site` maps texts to UCUM codes, or to null for "no code". */
export function unitTable(file: TermFile, site: TermFile | undefined): UnitTable {
  const dimensions = file.place.at('dimensions').object(file.content['dimensions']);
  const units = readUnits(file, dimensions);
  const byCode = new Map(units.map((unit) => [unit.code, unit]));
  const exact = new Map<string, string>();
  const anyCase = new Map<string, string>();
  for (const unit of units) {
    for (const text of unit.texts) {
      claim(file.place, exact, text, unit.code);
      if (unit.ignoreCase) claim(file.place, anyCase, text.toLowerCase(), unit.code);
    }
  }
  for (const [text, code] of siteUnits(site, byCode)) {
    exact.delete(text);
    for (const key of [text, text.toLowerCase()]) if (anyCase.get(key) !== undefined) anyCase.delete(key);
    if (code !== null) exact.set(text, code);
  }
  const dimensionByFold = unambiguousDimensions(exact, byCode);
  const textsWhere = (wanted: (dimension: string) => boolean) =>
    [...dimensionByFold].filter(([, dimension]) => wanted(dimension)).map(([text]) => text);
  const codeOf = (text: string) => exact.get(text) ?? anyCase.get(text.toLowerCase());
  return {
    version: site ? `${file.version}+site-${site.version}` : file.version,
    codes: [...byCode.keys()],
    code: (text) => (text ? codeOf(text) : undefined),
    texts: (code) => [...exact].filter(([, other]) => other === code).map(([text]) => text),
    dimension: (code) => byCode.get(code)?.dimension,
    toCanonical(code) {
      const unit = byCode.get(code);
      const canonical = unit && dimensions[unit.dimension];
      return unit?.factor === undefined || typeof canonical !== 'string' ? undefined : { code: canonical, factor: unit.factor };
    },
    dimensionOfText: (text) => (text ? dimensionByFold.get(fold(text)) : undefined),
    textsOfDimension: (dimension) => textsWhere((other) => other === dimension),
    textsOfOtherDimension: (dimension) => textsWhere((other) => other !== dimension),
  };
}

function readUnits(file: TermFile, dimensions: JsonObject): readonly Unit[] {
  return file.place
    .at('units')
    .list(file.content['units'])
    .map((item, index) => readUnit(file.place.at('units').at(index), item, dimensions));
}

function readUnit(here: Place, item: unknown, dimensions: JsonObject): Unit {
  const row = here.object(item);
  const code = here.at('code').text(row['code']);
  const dimension = here.at('dimension').text(row['dimension']);
  if (!Object.hasOwn(dimensions, dimension)) here.fail(`names the dimension "${dimension}", which is not listed`);
  const factor = row['factor'] === undefined ? undefined : here.at('factor').positive(row['factor']);
  const texts = here
    .at('texts')
    .list(row['texts'])
    .map((text, i) => here.at('texts').at(i).text(text));
  return {
    code,
    dimension,
    ...(factor === undefined ? {} : { factor }),
    ignoreCase: row['ignoreCase'] === true,
    texts: row['codeIsText'] === false ? texts : [code, ...texts],
  };
}

function claim(place: Place, claimed: Map<string, string>, text: string, code: string): void {
  const other = claimed.get(text);
  if (other !== undefined && other !== code) place.fail(`gives the unit text "${text}" to both ${other} and ${code}`);
  claimed.set(text, code);
}

function siteUnits(site: TermFile | undefined, byCode: ReadonlyMap<string, Unit>): ReadonlyMap<string, string | null> {
  if (!site) return new Map();
  const entries = site.place.at('entries').object(site.content['entries']);
  return new Map(
    Object.entries(entries).map(([text, value]) => {
      const here = site.place.at('entries').at(JSON.stringify(text));
      if (value === null) return [text, null];
      const code = here.text(value);
      if (!byCode.has(code)) here.fail(`maps to ${code}, which ucum-units.json does not know; add the unit there first`);
      return [text, code];
    }),
  );
}

/** K/uL and k/uL may share a fold; G/L and g/L must not decide anything. */
function unambiguousDimensions(
  texts: ReadonlyMap<string, string>,
  byCode: ReadonlyMap<string, Unit>,
): ReadonlyMap<string, string> {
  const found = new Map<string, string | null>();
  for (const [text, code] of texts) {
    const dimension = byCode.get(code)?.dimension ?? null;
    const key = fold(text);
    found.set(key, found.has(key) && found.get(key) !== dimension ? null : dimension);
  }
  return new Map([...found].flatMap(([key, dimension]) => (dimension === null ? [] : [[key, dimension] as const])));
}
