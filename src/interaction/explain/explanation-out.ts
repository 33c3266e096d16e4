/** An explanation as a Parameters resource: one `element` for each element, one `column` for each column. */

import type { ColumnName, ColumnUse, ElementOrigin, Explanation } from '../../explain/explain.ts';
import { stringifyJson } from '../../fhir/json.ts';
import type { OutParameter } from '../terminology/parameters-out.ts';

export function explanationOut({ elements, columns }: Explanation, canonicalBase: string): readonly OutParameter[] {
  return [...elements.map((element) => elementOut(element, canonicalBase)), ...columns.map(columnOut)];
}

function elementOut({ path, value, from, pair, columns, codeMap }: ElementOrigin, canonicalBase: string): OutParameter {
  return {
    name: 'element',
    part: [
      { name: 'path', valueString: path },
      { name: 'value', valueString: valueText(value) },
      { name: 'from', valueCode: from },
      { name: 'pair', valueString: pair ?? undefined },
      ...columns.map((column) => ({ name: from === 'overlay' ? 'until-changed' : 'column', part: nameOut(column) })),
      ...(codeMap
        ? [
            {
              name: 'code-map',
              part: [
                { name: 'map', valueUri: `${canonicalBase}/ConceptMap/${codeMap.id}` },
                { name: 'source', valueString: codeMap.from },
                { name: 'target', valueString: codeMap.to },
              ],
            },
          ]
        : []),
    ],
  };
}

function columnOut({ role, says, ends, writtenBy, value, ...name }: ColumnUse): OutParameter {
  return {
    name: 'column',
    part: [
      ...nameOut(name),
      { name: 'role', valueCode: role.replace(' ', '-') },
      { name: 'value', valueString: value === null ? undefined : valueText(value) },
      ...says.map((path) => ({ name: 'says', valueString: path })),
      ...ends.map((path) => ({ name: 'ends', valueString: path })),
      ...writtenBy.map((path) => ({ name: 'written-by', valueString: path })),
    ],
  };
}

function nameOut({ table, column, key }: ColumnName): readonly OutParameter[] {
  return [
    { name: 'table', valueString: table },
    { name: 'column', valueString: column },
    { name: 'key', valueInteger: key ?? undefined },
  ];
}

/** FHIR strings are never empty or blank. */
function valueText(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value : stringifyJson(value);
  return text.trim() === '' ? undefined : text;
}
