/** Extensions that carry a column's exact text beside what was read out of it. */
import type { Element, Extension } from 'fhir/r4.js';
import { validText } from './valid-text.ts';

/** Names under `<base>/StructureDefinition/`. */
export type TextExtension =
  /** The whole text, where the element would be written in another way (≤5 is the comparator <= and 5). */
  | 'medimax-raw-text'
  /** Lab_Finding.test_unit of a value that has no place for a unit. */
  | 'medimax-test-unit'
  /** Medication.dosage, exactly. */
  | 'medimax-dosage-text';

export function textExtension(
  env: { readonly canonicalBase: string },
  name: TextExtension,
  text: string | null,
): Pick<Element, 'extension'> {
  const valueString = validText(text);
  return valueString === undefined
    ? {}
    : { extension: [{ url: `${env.canonicalBase}/StructureDefinition/${name}`, valueString }] };
}

/** Found by its ending, so that what was said before a server moved is still understood. */
export function extensionText(extensions: readonly Extension[] | undefined, name: TextExtension): string | undefined {
  return extensions?.find(({ url }) => url.endsWith(`/StructureDefinition/${name}`))?.valueString;
}
