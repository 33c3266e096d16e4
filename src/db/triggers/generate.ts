/** The text of every trigger, from the mappings' declarations and the server's tables alone. */
import { hash } from 'node:crypto';
import type { Registry } from '../../mapping/registry.ts';
import { type TableName, tables } from '../../mapping/tables.ts';
import { bodyOf, note, type TriggerEvent } from './body.ts';
import type { SchemaFacts } from './facts.ts';

export interface Trigger {
  /** `fhir_Patient_update`: how the gateway knows its own triggers. */
  readonly name: string;
  readonly table: TableName;
  readonly timing: string;
  /** Stands in the body as a comment; differs when anything in the text does. */
  readonly hash: string;
  readonly body: string;
}

/** Inserts and updates are noted when the row is as it will stay; deletes while all that falls with the row is still there. */
const timings: Readonly<Record<TriggerEvent, string>> = {
  insert: 'AFTER INSERT',
  update: 'AFTER UPDATE',
  delete: 'BEFORE DELETE',
};

export function triggersFor(registry: Registry, facts: SchemaFacts): readonly Trigger[] {
  const events = Object.keys(timings) as TriggerEvent[];
  return (Object.keys(tables) as TableName[]).flatMap((table) =>
    events.flatMap((event): Trigger[] => {
      const { condition, statements } = bodyOf(registry, table, event, facts);
      if (statements === '') return [];
      const text = wrap(table, event, condition, statements);
      const mark = hash('sha1', text, 'hex').slice(0, 16);
      const body = text.replace('BEGIN', `BEGIN /* MediMax FHIR gateway ${mark} */`);
      return [{ name: `fhir_${table}_${event}`, table, timing: timings[event], hash: mark, body }];
    }),
  );
}

/** The hash in a trigger's text, or null when the text is none of ours. */
export function hashIn(body: string): string | null {
  return /\/\* MediMax FHIR gateway ([0-9a-f]{16}) \*\//.exec(body)?.[1] ?? null;
}

/**
 * The gateway's own sessions set @fhir_gateway and keep the books themselves. Whatever goes wrong in here is noted and MediMax's
 * statement goes on; only when its transaction is lost already (deadlock) or others hold the locks too long is it told so.
 */
function wrap(table: TableName, event: TriggerEvent, condition: string, statements: string): string {
  const key = `${event === 'insert' ? 'NEW' : 'OLD'}.${tables[table].key}`;
  const when = condition === 'TRUE' ? '@fhir_gateway IS NULL' : `@fhir_gateway IS NULL AND ${condition}`;
  return `BEGIN
IF ${when} THEN
BEGIN
  DECLARE EXIT HANDLER FOR 1205, 1213, 1020 RESIGNAL;
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN
    DECLARE fhir_errno INT;
    DECLARE fhir_message TEXT CHARACTER SET utf8mb4;
    DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
    GET DIAGNOSTICS CONDITION 1 fhir_errno = MYSQL_ERRNO, fhir_message = MESSAGE_TEXT;
    ${note(table, key, "CONCAT(fhir_errno, ' ', fhir_message)")}
  END;
${indent(statements, 2)}
END;
END IF;
END`;
}

function indent(text: string, spaces: number): string {
  return text.replace(/^(?=.)/gm, ' '.repeat(spaces));
}
