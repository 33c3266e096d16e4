/** One table of codes that serves reading, writing and searching. */

export interface CodeTable<Value extends string = string, Code extends string = string> {
  readonly rows: readonly (readonly [Value, Code])[];
  /** The first code of this column value; undefined for NULL, '' and values MediMax does not document. */
  toFhir(value: unknown): Code | undefined;
  /** The column value for this code; undefined when no row has it. */
  toRow(code: unknown): Value | undefined;
  /** Every column value that reads as this code, for search. */
  values(code: string): readonly Value[];
}

/** Rows are [column value, FHIR code]; where one side repeats, its first row wins in that direction. */
export function codeTable<const Value extends string, const Code extends string>(
  rows: readonly (readonly [Value, Code])[],
): CodeTable<Value, Code> {
  const codes = new Map<unknown, Code>();
  const columnValues = new Map<unknown, Value>();
  for (const [value, code] of rows) {
    if (!codes.has(value)) codes.set(value, code);
    if (!columnValues.has(code)) columnValues.set(code, value);
  }
  return {
    rows,
    toFhir: (value) => codes.get(value),
    toRow: (code) => columnValues.get(code),
    values: (code) => [...codes].filter(([, other]) => other === code).map(([value]) => value as Value),
  };
}
