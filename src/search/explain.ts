/** A search explained without a database: the plan, and the statement of its first page. */
import { stringifyJson } from '../fhir/json.ts';
import type { SqlValue } from './condition.ts';
import { parseSearch, type SearchSettings } from './parse.ts';
import { typesOf } from './plan.ts';
import { anchorsOf, pageSql } from './sql.ts';

/** `Observation?code=718-7`, `Patient/pt-1/Condition?…`, or a whole URL of this server. Lines for a person. */
export function explainSearch(address: string, settings: SearchSettings): readonly string[] {
  const relative = address.replace(/^https?:\/\/[^?]*\/fhir\/?/, '').replace(/^\//, '');
  const [path = '', query = ''] = relative.split('?', 2);
  const parts = path.split('/').filter((part) => part !== '');
  const [compartment, resourceType] = parts.length === 3 ? [parts[1], parts[2]] : [undefined, parts[0]];
  const parsed = parseSearch(
    {
      ...(resourceType === undefined ? {} : { resourceType }),
      ...(compartment === undefined ? {} : { compartment: { id: compartment } }),
      parameters: [...new URLSearchParams(query)],
    },
    settings,
  );
  const complaints = parsed.issues.map(({ text }) => `Refused: ${text}`);
  if (parsed.plan.types.length === 0) return complaints;
  const [anchor] = anchorsOf(parsed.plan);
  const ways = [...(anchor ? [['With few candidates:', { from: anchor }] as const] : []), ['With many:', 'in order'] as const];
  const statements = ways.flatMap(([title, way]) => [
    title,
    ...pageSql(parsed.plan, null, parsed.count + 1, typesOf(parsed.plan), way).flatMap(({ text, values }) => [
      text,
      `  bound: ${values.map(shown).join(', ')}`,
    ]),
  ]);
  return [...complaints, 'Plan:', stringifyJson(parsed.plan, true), ...statements];
}

function shown(value: SqlValue): string {
  return Buffer.isBuffer(value) ? JSON.stringify(value.toString('utf8')) : JSON.stringify(value);
}
