/** Notes what is sent to the database, and brings each search statement to its shape: what is left when values and repetitions are taken out. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Pool } from '../../src/db/pool.ts';

const list = new URL('statement-shapes.txt', import.meta.url);

export interface Statements {
  /** Texts as they were sent, in order. */
  readonly all: readonly string[];
  /** Fails when a search statement is put together in another way than those of the list. UPDATE_SHAPES=1 adds it instead. */
  assertListed(): void;
}

/** Looks over the driver's shoulder; nothing else about the pool changes. */
export function noteStatements(pool: Pool): Statements {
  const all: string[] = [];
  for (const name of ['execute', 'query'] as const) {
    const run: unknown = Reflect.get(pool, name);
    assert.ok(typeof run === 'function');
    Reflect.set(pool, name, (given: { readonly sql: string }, ...more: readonly unknown[]) => {
      all.push(typeof given === 'string' ? given : given.sql);
      return Reflect.apply(run, pool, [given, ...more]);
    });
  }
  return {
    all,
    assertListed() {
      const shapes = new Set(all.filter(isSearch).flatMap(shapesOf));
      const known = new Set(listed());
      const unknown = [...shapes].filter((shape) => !known.has(shape)).sort();
      if (process.env['UPDATE_SHAPES']) writeFileSync(list, `${[...new Set([...known, ...unknown])].sort().join('\n')}\n`);
      else assert.deepEqual(unknown, [], 'Statements of a shape that is not in test/search/statement-shapes.txt');
    },
  };
}

export function listed(): readonly string[] {
  return readFileSync(list, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/** Reads by rid are the mappings' own: they have no words but theirs. */
const isSearch = (text: string) =>
  /fhir_search_|^SELECT COUNT|^SELECT \(SELECT COUNT/.test(text) && !/fhir_search_pending\)/.test(text);

/**
 * The statement and every part in parentheses, each as a shape of its own with `{…}` where its parts stood. What may be repeated stands once; the kinds of
 * values that a page may be sorted by, and the direction, are one.
 */
export function shapesOf(text: string): readonly string[] {
  const shapes: string[] = [];
  let rest = text
    .replace(/\b([ris])\d+\b/g, '$1')
    .replace(/\?(, \?)+/g, '?…')
    .replace(/\bi\.param (= \?|IN \(\?…?\))/g, 'i.{param}')
    .replace(/HEX\((s\.\w+)\)/g, '$1')
    .replace(/\bs\.(code|folded|low|high|id)\b/g, 's.{value}')
    .replace(/fhir_search_\w+ s\b/g, 'fhir_search_{kind} s')
    .replace(/idx_search_\w+/g, '{index}')
    .replace(/\b(ASC|DESC)\b/g, '{direction}')
    .replace(/(s\.\{value\}|\br\.rid|\bs\.rid|\br\.id|\br\.last_updated) [<>](?==? \?)/g, '$1 {beyond}')
    .replace(/edge & [12]/g, 'edge & {end}')
    .replace(/BETWEEN \? AND \?/g, 'BETWEEN ? ~ ?');
  const inner = /\(([^()]*)\)/;
  for (let found = inner.exec(rest); found; found = inner.exec(rest)) {
    const [whole, part = ''] = found;
    rest = rest.replace(whole, () => replacement(part, shapes));
  }
  shapes.push(collapsed(withoutTests(rest, shapes)));
  return shapes;
}

function replacement(part: string, shapes: string[]): string {
  if (/^SELECT |^\{select\} UNION/.test(part)) {
    for (const select of part.split(' UNION ALL ')) shapes.push(collapsed(withoutTests(select, shapes)));
    return '{select}';
  }
  if (part.includes(' OR ')) {
    for (const alternative of part.split(' OR ')) shapes.push(`or ${collapsed(withoutTests(alternative, shapes))}`);
    return '{or}';
  }
  if (part.includes(' AND ')) {
    shapes.push(`and ${collapsed(withoutTests(part, shapes))}`);
    return '{and}';
  }
  return `[${part}]`;
}

const one = String.raw`(?:i\.(?:code|system|folded|exact|low|high|canonical\w*|unit|url|id|type) (?:[<>]?=?|IS) (?:\?|NULL)|i\.\w+ BETWEEN \? ~ \?|LOCATE\[[^\]]*\] > 0|\{or\}|\{and\})`;
const tests = new RegExp(`${one}(?: AND ${one})*`, 'g');

/** What is asked of an index row's values is a shape of its own, whichever search it stands in. */
function withoutTests(part: string, shapes: string[]): string {
  return part.replace(tests, (found) => {
    if (/^\{\w+\}$/.test(found)) return '{asked}';
    shapes.push(`test ${found}`);
    return '{test}';
  });
}

/** How often a thing is said does not make another shape. */
function collapsed(part: string): string {
  return part
    .replace(
      /\{select\} IS (NOT )?NULL|r\.rid (NOT )?IN \{select\}|r\.id (NOT )?IN \[\?…?\]|\[r\.type = \?\]|\bFALSE\b/g,
      '{asked}',
    )
    .replace(/r\.last_updated (\{beyond\}=?|[<>]=?) \?/g, '{asked}')
    .replace(/r\.type (= \?|IN \[\?…\])/g, 'r.{type}')
    .replace(/\{(or|and)\}/g, '{asked}')
    .replace(/\{asked\}( AND \{asked\})+/g, '{asked}')
    .replace(/\{select\}(, \{select\})+/g, '{select}')
    .replace(/( LEFT JOIN fhir_search_\{kind\} s ON s\.rid = r\.rid AND s\.param = \? AND s\.edge & \{end\})+/g, ' {joins}')
    .replace(/s\.\{value\} IS NULL \{direction\}, s\.\{value\} \{direction\}|r\.(id|last_updated) \{direction\}/g, '{key}')
    .replace(/(\{key\}, )+/g, '{keys}, ')
    .replace(/(, (s\.\{value\}|r\.id|r\.last_updated|NULL))+(?= FROM)/g, ', {values}')
    .replace(/\s+/g, ' ')
    .trim();
}
