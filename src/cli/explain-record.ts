/** `explain resource TYPE/ID` and `explain row TABLE KEY`: where a resource comes from, and where a row goes. */
import { declaredTerminology } from '../../mappings/terminology/index.ts';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import { type ColumnName, type ColumnUse, type ElementOrigin, explain } from '../explain/explain.ts';
import { stringifyJson } from '../fhir/json.ts';
import { type Gateway, openGateway } from '../gateway.ts';
import { PlainError } from '../plain-error.ts';
import type { Context } from './command.ts';
import { withServers } from './with-servers.ts';

type Say = Context['say'];

export async function explainRecord(context: Context, [what, ...given]: readonly string[]): Promise<number> {
  return withServers(context, 'join', async ({ config }) => {
    const gateway = await openGateway(config);
    try {
      await (what === 'row' ? row(gateway, given, context.say) : resource(gateway, given, context.say));
    } finally {
      await gateway.close();
    }
    return 0;
  });
}

async function row({ inspection }: Gateway, [table = '', key = '']: readonly string[], say: Say): Promise<void> {
  if (!/^\d{1,10}$/.test(key))
    throw new PlainError("explain row needs a table and a key, such as 'explain row Medical_History 7'.");
  const found = await inspection.resourcesOf(table, Number(key));
  if (found === null) throw new PlainError(`MediMax has no table "${table}".`);
  if (found.length === 0) say(`No resource is made of ${table} ${key}.`);
  const words = { row: 'its row', parent: 'its parent row', child: 'one of its child rows' };
  for (const { resourceType, id, isDeleted, as } of found)
    say(`${resourceType}/${id}  ${table} ${key} is ${words[as]}${isDeleted ? '; deleted' : ''}`);
}

async function resource({ repository, config, inspection }: Gateway, [name = '']: readonly string[], say: Say): Promise<void> {
  const [type = '', id = ''] = name.split('/');
  const record = await repository.read(type, id);
  if (!record?.stored)
    throw new PlainError(`There is no ${name || 'resource without a name'}; give type and id, such as Patient/pt-1.`);
  const { codeMaps } = declaredTerminology(loadTermTables(config.clinic.termsDir));
  const { elements, columns } = explain(
    { ...record, stored: record.stored },
    inspection.env(),
    codeMaps,
    repository.render(record),
  );
  say(`${name}, version ${record.version}, made by ${record.origin}`);
  say('');
  const width = Math.max(...elements.map(({ path }) => path.length));
  for (const element of elements) say(`${element.path.padEnd(width)}  ${shown(element.value)}  ← ${originText(element)}`);
  say('');
  for (const column of columns) say(`${nameText(column)} = ${shown(column.value)}: ${useText(column)}`);
}

function originText({ from, columns, pair, codeMap }: ElementOrigin): string {
  const names = columns.map(nameText).join(', ');
  if (from === 'server') return 'said by the server';
  if (from === 'mapping') return 'always so';
  if (from === 'columns') return codeMap ? `${names} (${codeMap.id}: ${codeMap.from} is ${codeMap.to})` : names;
  return pair === null || names === '' ? 'kept as it was sent' : `kept as it was sent until ${names} changes`;
}

function useText({ role, says, ends, writtenBy }: ColumnUse): string {
  const parts = [
    ...(role === 'content' ? [] : [role]),
    ...(says.length > 0 ? [`says ${says.join(', ')}`] : []),
    ...(ends.length > 0 ? [`its change would end ${ends.join(', ')}`] : []),
    ...(writtenBy.length > 0 ? [`written by ${writtenBy.join(', ')}`] : []),
  ];
  return parts.length > 0 ? parts.join('; ') : 'says nothing now';
}

function nameText({ table, column, key }: ColumnName): string {
  return `${table}.${column}${key === null ? '' : ` of ${key}`}`;
}

function shown(value: unknown): string {
  const text = stringifyJson(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
