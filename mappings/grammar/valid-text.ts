/** FHIR strings hold no control characters and are never empty, MediMax's columns may. https://hl7.org/fhir/R4/datatypes.html#string */

// biome-ignore lint/suspicious/noControlCharactersInRegex: the characters that FHIR forbids
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]|\p{Cs}/gu;

/**
 * The text as FHIR may carry it: forbidden control characters become U+FFFD; NULL, '' and white space alone say nothing.
 * The one place where a column's text is not shown exactly; the column itself is not touched, as it is only written when its element changes.
 */
export function validText(text: string | null | undefined): string | undefined {
  if (text === null || text === undefined || text.trim() === '') return undefined;
  return text.replace(forbidden, '\ufffd');
}
