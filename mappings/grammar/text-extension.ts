/** Extensions that carry a column's exact text beside what was read out of it. */
import type { Element, Extension } from 'fhir/r4.js';
import type { extensions } from '../local-terms.ts';
import { validText } from './valid-text.ts';

/** Names under `<base>/StructureDefinition/`. */
export type TextExtension = (typeof extensions)['rawText' | 'testUnit' | 'dosageText'];

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
export function extensionText(found: readonly Extension[] | undefined, name: TextExtension): string | undefined {
  return found?.find(({ url }) => url.endsWith(`/StructureDefinition/${name}`))?.valueString;
}
