/** reasonCode ↔ the Medication_Purpose rows: one reason a row, matched by name and description, so that purpose_id survives. */
import type { CodeableConcept } from 'fhir/r4.js';
import { conceptText, longText, shortText } from '../../src/mapping/pairs.ts';
import type { Columns, Env, Pair, WriteContext } from '../../src/mapping/types.ts';
import { extensionUrl, isExtension } from '../local-terms.ts';
import { shownText } from '../shown-text.ts';

interface WithReasons {
  readonly reasonCode?: CodeableConcept[] | undefined;
}

export const reasons: Pair<WithReasons> = {
  name: 'reasonCode',
  elements: ['reasonCode'],
  columns: ['child.condition_name', 'child.purpose_description'],
  toFhir({ children }, env) {
    const reasonCode = children.flatMap(({ row }) => reasonOf(row, env) ?? []);
    return reasonCode.length > 0 ? { reasonCode } : {};
  },
  toRow({ reasonCode }, context) {
    const purposes = (reasonCode ?? []).map((reason, index) =>
      purposeOf(reason, `MedicationStatement.reasonCode[${index}]`, context),
    );
    return { children: purposes.filter((purpose) => purpose !== undefined) };
  },
};

function reasonOf(row: Columns, env: Env): CodeableConcept | undefined {
  const text = shownText(row['condition_name']);
  const valueString = shownText(row['purpose_description']);
  if (text === undefined && valueString === undefined) return undefined;
  return {
    ...(valueString === undefined ? {} : { extension: [{ url: extensionUrl(env, 'purposeDescription'), valueString }] }),
    ...(text === undefined ? {} : { text }),
  };
}

/** A reason of extensions alone says nothing that MediMax could show. */
function purposeOf(reason: CodeableConcept, expression: string, context: WriteContext): Columns | undefined {
  const described = reason.extension?.find(({ url }) => isExtension(url, 'purposeDescription'))?.valueString;
  const name = shortText(conceptText(reason), 255, expression, context);
  const description = longText(described, expression, context);
  return name === null && description === null ? undefined : { condition_name: name, purpose_description: description };
}
