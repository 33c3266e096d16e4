/** Everything the mappings know of codes, derived from the very tables they run on. */
import type { TermTables } from '../terms/term-table.ts';
import { codeTableMaps } from './code-tables.ts';
import type { Declared } from './declared.ts';
import { enumerations } from './enumerations.ts';
import { termTableContent } from './term-tables.ts';

export function declaredTerminology(terms: TermTables): Declared {
  const texts = termTableContent(terms);
  return {
    vocabularies: [...enumerations(terms), ...texts.vocabularies],
    codeSets: texts.codeSets,
    codeMaps: [...codeTableMaps(terms), ...texts.codeMaps],
  };
}
