/** dosage[0] ↔ dosage and frequency; further dosages are kept beside. The readings of the two texts are in grammar/dosage.ts. */
import type { Dosage } from 'fhir/r4.js';
import { warning } from '../../src/fhir/outcome.ts';
import type { Columns, ColumnValue, Env, Pair, WriteContext } from '../../src/mapping/types.ts';
import { dosageFromFhir, dosageToFhir } from '../grammar/dosage.ts';
import { isRefused } from '../grammar/refused.ts';
import type { TermTables } from '../terms/term-table.ts';

interface WithDosage {
  readonly 'dosage:first'?: Dosage | undefined;
}

export const firstDosage = { name: 'dosage:first', match: (_item: unknown, index: number) => index === 0 } as const;

const doseElements = ['extension', 'doseAndRate'] as const;
const timingElements = ['timing', 'asNeededBoolean', 'asNeededCodeableConcept'] as const;

/**
 * Writes both columns, because text alone may stand for both, and says the text, which goes stale with either. The two pairs after it
 * read only: they keep a client's timing when MediMax changes the dosage, and a client's dose when it changes the frequency.
 */
const instruction: Pair<WithDosage, TermTables> = {
  name: 'dosage',
  // The id too: alone it would be no valid element.
  elements: owned(['id', 'text', ...doseElements, ...timingElements]),
  columns: ['dosage', 'frequency'],
  toFhir: ({ row }, env) => part(shown(row, env), ['text']),
  toRow: (elements, context) => ({ row: dosageColumns(elements['dosage:first'], context) }),
};

const dose: Pair<WithDosage, TermTables> = {
  name: 'dose',
  elements: owned(doseElements),
  columns: ['dosage'],
  toFhir: ({ row }, env) => part(shown({ dosage: row['dosage'] ?? null }, env), doseElements),
};

const timing: Pair<WithDosage, TermTables> = {
  name: 'timing',
  elements: owned(timingElements),
  columns: ['frequency'],
  toFhir: ({ row }, env) => part(shown({ frequency: row['frequency'] ?? null }, env), timingElements),
};

export const dosagePairs = [instruction, dose, timing];

function owned(names: readonly string[]): readonly string[] {
  return names.map((name) => `${firstDosage.name}.${name}`);
}

function shown(row: Columns, env: Env<TermTables>): Dosage | undefined {
  return dosageToFhir({ dosage: textOf(row['dosage']), frequency: textOf(row['frequency']) }, env);
}

function textOf(value: ColumnValue | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

function part(dosage: Dosage | undefined, names: readonly (keyof Dosage)[]): WithDosage {
  const said = Object.entries(dosage ?? {}).filter(([name]) => names.some((one) => one === name));
  return said.length > 0 ? { 'dosage:first': Object.fromEntries(said) } : {};
}

/** A column keeps what the client left as it reads, odd characters included. */
function dosageColumns(said: Dosage | undefined, context: WriteContext<TermTables>): Columns {
  const { current, env } = context;
  const wanted = dosageFromFhir(said, env);
  if (isRefused(wanted)) {
    const { code, text, expression } = wanted.refuse;
    context.refuse(code, text, expression?.[0] ?? 'MedicationStatement.dosage[0]');
    return {};
  }
  if (said?.text !== undefined && said.text !== wanted.dosage && (wanted.dosage === null) !== (wanted.frequency === null)) {
    const half = wanted.dosage === null ? 'how often, but not how much' : 'how much, but not how often';
    const text = `dosage[0].text is kept, but MediMax shows ${half}: give both doseAndRate and timing to have them shown there`;
    context.tell(warning('business-rule', text, 'MedicationStatement.dosage[0].text'));
  }
  if (!current) return { ...wanted };
  const unchanged = dosageFromFhir(shown(current.row, env), env);
  const column = (name: 'dosage' | 'frequency') =>
    !isRefused(unchanged) && wanted[name] === unchanged[name] ? (current.row[name] ?? null) : wanted[name];
  return { dosage: column('dosage'), frequency: column('frequency') };
}
