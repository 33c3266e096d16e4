/** Which element a column's fault is about, for the issues made from database errors. */
import type { CompiledVariant } from '../mapping/compile.ts';

/** `Patient.name` for `name`; undefined for a column no pair writes. A constraint's name is matched by the column it contains. */
export function expressionOfColumn({ resourceType, pairs }: CompiledVariant): (column: string) => string | undefined {
  const byColumn = new Map<string, string>();
  for (const { pair } of pairs) {
    const [element] = pair.elements;
    if (!element || !pair.toRow) continue;
    const path = element.replace(/:[^.]*/, '').replace('[x]', '');
    for (const column of pair.columns) byColumn.set(column.slice(column.indexOf('.') + 1), `${resourceType}.${path}`);
  }
  return (name) => byColumn.get(name) ?? [...byColumn].find(([column]) => name.includes(column))?.[1];
}
