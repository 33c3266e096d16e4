/** Ready-made pairs for what most mappings have: a date, the patient, a long text, a name of a doctor. */
import type { Annotation, CodeableConcept, Reference } from 'fhir/r4.js';
import { dateFromColumn, dayAsWritten } from '../fhir/date.ts';
import type { CodeTable } from './code-table.ts';
import type { JsonObject } from './lift.ts';
import type { Columns, Pair, Stored, WriteContext, Written } from './types.ts';

/** A column of the row (`dob`) or of the parent row (`parent.lab_date`). */
export type ColumnPath = string;

export function columnOf(stored: Stored, path: ColumnPath): Columns[string] {
  return (path.startsWith('parent.') ? stored.parent?.[path.slice(7)] : stored.row[path]) ?? null;
}

export function write(path: ColumnPath, value: Columns[string]): Written {
  return path.startsWith('parent.') ? { parent: { [path.slice(7)]: value } } : { row: { [path]: value } };
}

/** Longest text in the column's own unit: code points for VARCHAR, bytes for TEXT (S12). */
export function fits(text: string, limit: { readonly codePoints: number } | { readonly bytes: number }): boolean {
  return 'bytes' in limit
    ? Buffer.byteLength(text) <= limit.bytes
    : text.length <= limit.codePoints || [...text].length <= limit.codePoints;
}

/** A resource type's `L` is only known to the mapping; here elements are named by text. */
function part<L>(elements: JsonObject): Partial<L> {
  return elements as Partial<L>; // marked place: the element's name is a parameter
}

function member(elements: object, key: string): unknown {
  return (elements as JsonObject)[key]; // marked place, as above
}

/** `subject` (or `patient`) ↔ the patient_id of the row or of its parent. */
export function patientReference<L>(resourceType: string, element: string, column: ColumnPath = 'patient_id'): Pair<L> {
  const expression = `${resourceType}.${element}`;
  const needed = (reference: Reference) => ({ reference, target: 'Patient', expression });
  return {
    name: element,
    elements: [element],
    columns: [column],
    toFhir: ({ patientId }) => (patientId === null ? {} : part({ [element]: { reference: `Patient/${patientId}` } })),
    references: (elements) => {
      const reference = member(elements, element);
      return reference ? [needed(reference as Reference)] : [];
    },
    toRow(elements, context) {
      const reference = member(elements, element);
      if (!reference) {
        context.refuse('required', `${expression} must name a Patient: every row of MediMax belongs to one`, expression);
        return {};
      }
      return write(column, context.key(needed(reference as Reference)));
    },
  };
}

/** A `dateTime` of a choice (or a `date`) ↔ a DATE column: the calendar day as written; the rest of it is kept beside. */
export interface DayOptions {
  /** Key written by `toFhir`: `onsetDateTime`, `birthDate`. */
  readonly key: string;
  /** Path owned: `onset[x]`, `birthDate`. */
  readonly element: string;
  readonly column: ColumnPath;
  /** Day of the other types of the choice, `YYYY-MM-DD`; null when they hold none. */
  readonly otherwise?: (elements: JsonObject) => string | null;
  readonly check?: (day: string, context: WriteContext) => void;
}

export function day<L>(options: DayOptions): Pair<L> {
  return {
    name: options.element,
    elements: [options.element],
    columns: [options.column],
    toFhir: (stored) => {
      const value = columnOf(stored, options.column);
      return part({ [options.key]: value === null ? undefined : dateFromColumn(String(value)) });
    },
    toRow(elements, context) {
      const text = member(elements, options.key);
      const written =
        typeof text === 'string' ? dayAsWritten(text) : (options.otherwise?.(part<JsonObject>(elements as JsonObject)) ?? null);
      if (written !== null) options.check?.(written, context);
      return write(options.column, written);
    },
  };
}

/** The first `note` ↔ a TEXT column; further notes, authors and times are kept beside. Needs `firstNote` among the slices. */
export const firstNote = { name: 'note:first', match: (_item: unknown, index: number) => index === 0 } as const;

export function noteText<L>(resourceType: string, column: ColumnPath): Pair<L> {
  return {
    name: 'note',
    elements: [firstNote.name],
    columns: [column],
    toFhir: (stored) => {
      const text = columnOf(stored, column);
      return text === null || text === '' ? {} : part({ [firstNote.name]: { text } });
    },
    toRow: (elements, context) => {
      const note = member(elements, firstNote.name) as Annotation | undefined;
      return write(column, longText(note?.text, `${resourceType}.note[0].text`, context));
    },
  };
}

/** Text for a TEXT column, refused when its UTF-8 is longer than the column. */
export function longText(text: string | undefined, expression: string, context: WriteContext): string | null {
  if (text === undefined) return null;
  if (!fits(text, { bytes: 65_535 }))
    context.refuse('too-long', `${expression} is longer than the 65535 bytes MediMax keeps`, expression);
  return text;
}

/** Text for a VARCHAR column, refused when it has more code points than the column. */
export function shortText(
  text: string | undefined,
  codePoints: number,
  expression: string,
  context: WriteContext,
): string | null {
  if (text === undefined) return null;
  if (!fits(text, { codePoints }))
    context.refuse('too-long', `${expression} is longer than the ${codePoints} characters MediMax keeps`, expression);
  return text;
}

/** A required-binding code ↔ an ENUM column. */
export function coded<L>(
  element: string,
  column: ColumnPath,
  codes: CodeTable,
  options: { readonly unreadable?: string; readonly otherwise: string | null },
): Pair<L> {
  return {
    name: element,
    elements: [element],
    columns: [column],
    toFhir: (stored) => part({ [element]: codes.toFhir(columnOf(stored, column)) ?? options.unreadable }),
    toRow: (elements) => write(column, codes.toRow(member(elements, element)) ?? options.otherwise),
  };
}

/** The text a CodeableConcept becomes in a column: its text, else the first display, else `system|code`. */
export function conceptText(concept: CodeableConcept | undefined): string | undefined {
  if (!concept) return undefined;
  if (concept.text) return concept.text;
  const shown = concept.coding?.find((coding) => coding.display)?.display;
  if (shown) return shown;
  const coding = concept.coding?.find((one) => one.code);
  return coding ? (coding.system ? `${coding.system}|${coding.code}` : coding.code) : undefined;
}
