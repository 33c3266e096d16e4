/** Medication.dosage and .frequency ↔ dosage[0]: docs/mapping.md, section 6. Both texts survive exactly, whatever could be read out of them. */
import type { Dosage } from 'fhir/r4.js';
import type { TermTables } from '../terms/term-table.ts';
import { doseFromText, doseText, sameDose } from './dose.ts';
import { frequencyFromText, frequencyText } from './frequency.ts';
import { type Refused, tooLong } from './refused.ts';
import { extensionText, textExtension } from './text-extension.ts';
import { validText } from './valid-text.ts';
import { conceptText } from './value-text.ts';

/** Length of either column, in code points. */
export const dosageMax = 100;

export interface DosageEnv {
  readonly canonicalBase: string;
  readonly terms: Pick<TermTables, 'units'>;
}

export interface DosageColumns {
  readonly dosage: string | null;
  readonly frequency: string | null;
}

/** Undefined when both columns are empty. "as needed" in the frequency also becomes asNeededBoolean. */
export function dosageToFhir(columns: DosageColumns, env: DosageEnv): Dosage | undefined {
  const dose = validText(columns.dosage);
  const often = validText(columns.frequency);
  if (dose === undefined && often === undefined) return undefined;
  const doseAndRate = dose === undefined ? undefined : doseFromText(dose, env.terms.units);
  return {
    ...textExtension(env, 'medimax-dosage-text', dose ?? null),
    text: [dose, often].filter((part) => part !== undefined).join(' '),
    ...(often === undefined ? {} : timing(often)),
    ...(doseAndRate ? { doseAndRate: [doseAndRate] } : {}),
  };
}

function timing(text: string): Pick<Dosage, 'timing' | 'asNeededBoolean'> {
  const meaning = frequencyFromText(text);
  const code = meaning?.coding ? { coding: [meaning.coding], text } : { text };
  return {
    timing: meaning?.repeat ? { repeat: meaning.repeat, code } : { code },
    ...(meaning?.asNeeded ? { asNeededBoolean: true } : {}),
  };
}

/**
 * The two columns for any Dosage a client may send. The exact dosage text counts unless doseAndRate now says otherwise; dosage.text speaks
 * (as the dosage) only where there is neither dose nor timing. "as needed" is added where the frequency is written out from codes.
 */
export function dosageFromFhir(
  dosage: Dosage | undefined,
  env: DosageEnv,
  path = 'MedicationStatement.dosage[0]',
): DosageColumns | Refused {
  if (!dosage) return { dosage: null, frequency: null };
  const dose = writtenDose(dosage, env);
  const often = writtenFrequency(dosage);
  const [dosageColumn, dosagePath] = dose || often ? [dose, `${path}.doseAndRate`] : [dosage.text ?? '', `${path}.text`];
  return (
    tooLong(dosageColumn, dosageMax, dosagePath) ??
    tooLong(often, dosageMax, `${path}.timing`) ?? { dosage: dosageColumn || null, frequency: often || null }
  );
}

function writtenDose(dosage: Dosage, env: DosageEnv): string {
  const exact = extensionText(dosage.extension, 'medimax-dosage-text');
  const now = dosage.doseAndRate?.[0];
  if (exact !== undefined && (!now || sameDose(now, doseFromText(exact, env.terms.units)))) return exact;
  return doseText(now);
}

function writtenFrequency({ timing: when, asNeededBoolean, asNeededCodeableConcept }: Dosage): string {
  const text = frequencyText(when);
  if (when?.code?.text !== undefined) return text;
  const reason = conceptText(asNeededCodeableConcept);
  const asNeeded = reason ? `as needed for ${reason}` : asNeededBoolean ? 'as needed' : '';
  return [text, asNeeded].filter(Boolean).join(' ');
}
