/** One reviewed table between texts and codes, both ways. */
import type { Coding } from 'fhir/r4.js';
import { fold } from './fold.ts';
import type { CodedEntry, Place } from './term-file.ts';
import type { UnitTable } from './unit-table.ts';

export interface CodedTexts {
  /** Version of the table, with `+site` where a site's override changed it. */
  readonly version: string;
  readonly entries: readonly CodedEntry[];
  coding(text: string | null | undefined): Coding | undefined;
  /** Every text that reads as this code, as the table spells it; compare it with the column's own collation. Undefined system: any system. */
  texts(system: string | undefined, code: string): readonly string[];
}

/** Rows that carry a code: those with this text, and (where given) a unit among these, or none of these. Compare all with the column's collation. */
export interface TextMatch {
  readonly text: string;
  readonly unitIn?: readonly string[];
  /** NULL units match. */
  readonly unitNotIn?: readonly string[];
}

/** As CodedTexts, for codes that are about one kind of quantity: glucose in mmol/L has another LOINC code than glucose in mg/dL. */
export interface MeasuredTexts extends CodedTexts {
  /** Without a known unit the text's first row speaks; with one, only a row that does not contradict it. */
  coding(text: string | null | undefined, unit?: string | null): Coding | undefined;
  matches(system: string | undefined, code: string): readonly TextMatch[];
}

type ByText = ReadonlyMap<string, readonly CodedEntry[]>;

export function codedTexts(entries: readonly CodedEntry[], version: string): CodedTexts {
  const byText = group(entries);
  return {
    version,
    entries,
    coding: (text) => codingOf(found(byText, text)[0]),
    texts: (system, code) => textsOf(entries, system, code),
  };
}

export function measuredTexts(entries: readonly CodedEntry[], version: string, units: UnitTable): MeasuredTexts {
  const byText = group(entries);
  const matches = (system: string | undefined, code: string): readonly TextMatch[] =>
    entries.filter(isCode(system, code)).map((entry) => {
      const isFirst = byText.get(fold(entry.text))?.[0] === entry;
      if (entry.measures === undefined) return { text: entry.text };
      return isFirst
        ? { text: entry.text, unitNotIn: units.textsOfOtherDimension(entry.measures) }
        : { text: entry.text, unitIn: units.textsOfDimension(entry.measures) };
    });
  return {
    version,
    entries,
    coding(text, unit) {
      const dimension = units.dimensionOfText(unit);
      const rows = found(byText, text);
      const fits = ({ measures }: CodedEntry) => dimension === undefined || measures === undefined || measures === dimension;
      return codingOf(rows.find(fits));
    },
    texts: (system, code) => textsOf(entries, system, code),
    matches,
  };
}

/** A site's entries in place of the table's: an entry replaces every row of its text, null removes them. */
export function withOverrides(
  entries: readonly CodedEntry[],
  site: ReadonlyMap<string, CodedEntry | null>,
): readonly CodedEntry[] {
  const replaced = new Set([...site.keys()].map(fold));
  return [...entries.filter(({ text }) => !replaced.has(fold(text))), ...[...site.values()].filter((entry) => entry !== null)];
}

/** One text may have several codes only where each is about another kind of quantity. */
export function refuseAmbiguous(place: Place, entries: readonly CodedEntry[]): void {
  const seen = new Map<string, CodedEntry>();
  for (const entry of entries) {
    const key = `${fold(entry.text)}\n${entry.measures ?? ''}`;
    const other = seen.get(key);
    if (other) place.fail(`gives "${entry.text}" twice: ${other.code} and ${entry.code}`);
    seen.set(key, entry);
  }
  for (const [key, rows] of group(entries)) {
    if (rows.length > 1 && rows.some(({ measures }) => measures === undefined))
      place.fail(`gives "${key}" several codes, one of which does not say what it measures`);
  }
}

function group(entries: readonly CodedEntry[]): ByText {
  return Map.groupBy(entries, ({ text }) => fold(text));
}

function found(byText: ByText, text: string | null | undefined): readonly CodedEntry[] {
  return text ? (byText.get(fold(text)) ?? []) : [];
}

function codingOf(entry: CodedEntry | undefined): Coding | undefined {
  return entry && { system: entry.system, code: entry.code, display: entry.display };
}

const isCode = (system: string | undefined, code: string) => (entry: CodedEntry) =>
  entry.code === code && (system === undefined || entry.system === system);

function textsOf(entries: readonly CodedEntry[], system: string | undefined, code: string): readonly string[] {
  return entries.filter(isCode(system, code)).map(({ text }) => text);
}
