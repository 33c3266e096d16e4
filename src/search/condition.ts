/** A piece of SQL with the values bound to its marks. Texts are bound as bytes, as the index compares bytes. */

export type SqlValue = string | number | Buffer | null;

export interface Sql {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

export function sql(text: string, ...values: readonly SqlValue[]): Sql {
  return { text, values };
}

export const nothing: Sql = { text: 'FALSE', values: [] };

export function allOf(parts: readonly Sql[]): Sql {
  return joined(parts, ' AND ');
}

export function anyOf(parts: readonly Sql[]): Sql {
  const [only] = parts;
  if (parts.length === 1 && only) return only;
  const { text, values } = joined(parts, ' OR ');
  return { text: `(${text})`, values };
}

export function joined(parts: readonly Sql[], by: string): Sql {
  return { text: parts.map(({ text }) => text).join(by), values: parts.flatMap(({ values }) => values) };
}

/** `?, ?, ?` */
export function marks(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ');
}

export function bytes(text: string): Buffer {
  return Buffer.from(text);
}
