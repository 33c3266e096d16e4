/**
 * Search by brute force: the official FHIRPath expressions, evaluated by the fhirpath package on what is served, and R4's rules of comparison
 * written a second time, so that no mistake of the index can hide in itself.
 */

import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';
import { DateTime } from 'luxon';
import { commonDefinitions, definitionsOf, type SearchDefinition } from '../../src/search/definitions.ts';

export type Json = Record<string, unknown>;
export interface Served extends Json {
  readonly resourceType: string;
  readonly id: string;
}

export interface OracleEnv {
  readonly baseUrl: string;
  readonly zone: string;
  /** UCUM code → canonical unit and factor. */
  readonly toCanonical: (code: string) => { readonly code: string; readonly factor: number } | undefined;
}

export interface Question {
  readonly name: string;
  readonly modifier?: string;
  /** Unescaped alternatives. */
  readonly values: readonly string[];
}

export function definitionOf(type: string, name: string): SearchDefinition {
  const found = definitionsOf(type)[name] ?? commonDefinitions[name];
  if (!found) throw new Error(`no ${type}.${name}`);
  return found;
}

const compiled = new Map<string, (resource: unknown) => unknown[]>();

function evaluate(resource: unknown, expression: string, base?: string): unknown[] {
  const key = `${base ?? ''} ${expression}`;
  let run = compiled.get(key);
  if (!run) {
    // `as` wants a single item, so of several components it would be an error; R4 means `ofType`.
    const typed = expression.replace(/\((\S+) as (\w+)\)/g, '$1.ofType($2)').replaceAll('.as(', '.ofType(');
    const made = fhirpath.compile(base === undefined ? typed : { base, expression: typed }, r4);
    run = (on) => made(on as object) as unknown[];
    compiled.set(key, run);
  }
  return run(resource).map(plain);
}

function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'asStr' in value ? String(value) : value;
}

/** The values of a parameter, as the official expression gives them. */
export function valuesOf(resource: Served, name: string): unknown[] {
  const { expression = '' } = definitionOf(resource.resourceType, name);
  const typed = /^(.*)\.where\(resolve\(\) is (\w+)\)$/.exec(expression);
  const path = (typed?.[1] ?? expression).replace(/^Resource\./, `${resource.resourceType}.`);
  const found = evaluate(resource, path).filter((value) => value !== null && value !== undefined);
  return typed ? found.filter((value) => typeOfTarget(resource, value) === typed[2]) : found;
}

function typeOfTarget(resource: Served, value: unknown): string | undefined {
  const reference = isJson(value) ? value['reference'] : undefined;
  if (typeof reference !== 'string') return undefined;
  if (reference.startsWith('#')) {
    const contained = list(resource['contained']).find((one) => isJson(one) && one['id'] === reference.slice(1));
    return isJson(contained) ? String(contained['resourceType']) : undefined;
  }
  return /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[^/]+)?$/.exec(reference)?.[1];
}

export function matches(resource: Served, question: Question, env: OracleEnv): boolean {
  const { name, modifier, values } = question;
  if (name === '_id') return values.includes(resource.id) !== (modifier === 'not');
  const definition = definitionOf(resource.resourceType, name);
  if (definition.type === 'composite') return values.some((value) => matchesComposite(resource, definition, value, env));
  const found = valuesOf(resource, name);
  if (modifier === 'missing') return (found.length === 0) === (values[0] === 'true');
  const any = found.some((item) => values.some((value) => test(definition, name, modifier, item, value, env)));
  return modifier === 'not' ? !any : any;
}

function matchesComposite(resource: Served, definition: SearchDefinition, value: string, env: OracleEnv): boolean {
  const [first, second] = definition.component ?? [];
  const [left = '', right = ''] = value.split('$');
  const bases = (definition.expression ?? '').split(' | ');
  return bases.some((base) =>
    evaluate(resource, base).some((node) => {
      const part = (component: typeof first, wanted: string) => {
        const url = component?.definition ?? '';
        const found = Object.entries(definitionsOf(resource.resourceType)).find(([, one]) => one.url === url);
        const expression = (component?.expression ?? '').replaceAll('DateTime', 'dateTime');
        const items = evaluate(node, expression, base);
        return found !== undefined && items.some((item) => test(found[1], found[0], undefined, item, wanted, env));
      };
      return part(first, left) && part(second, right);
    }),
  );
}

function test(
  { type, target }: SearchDefinition,
  name: string,
  modifier: string | undefined,
  item: unknown,
  value: string,
  env: OracleEnv,
): boolean {
  if (modifier === 'text') return texts(item).some((text) => fold(text).startsWith(fold(value)));
  if (modifier === 'identifier') return isJson(item) && isJson(item['identifier']) && token(item['identifier'], value);
  if (modifier === 'of-type') return ofType(item, value);
  if (type === 'token') return tokens(item, name).some((one) => token(one, value));
  if (type === 'string') return strings(item).some((text) => string(text, modifier, value));
  if (type === 'date') return dates(item, env).some((range) => date(range, value, env));
  if (type === 'quantity') return quantity(item, value, env);
  if (type === 'uri') return uri(String(item), modifier, value);
  return reference(item, modifier, value, target ?? [], env);
}

function uri(item: string, modifier: string | undefined, value: string): boolean {
  if (item === value) return true;
  if (modifier === 'below') return item.startsWith(`${value.replace(/\/$/, '')}/`);
  return modifier === 'above' && value.startsWith(`${item}/`);
}

type Coded = { readonly system?: unknown; readonly value?: unknown; readonly code?: unknown };

function tokens(item: unknown, name: string): Coded[] {
  if (typeof item === 'boolean') return [{ system: 'http://hl7.org/fhir/special-values', code: String(item) }];
  if (typeof item === 'string') return [{ code: item }];
  if (!isJson(item)) return [];
  if (['phone', 'email', 'telecom'].includes(name)) return [{ code: item['value'] }];
  if ('coding' in item) return list(item['coding']).filter(isJson);
  return 'code' in item || 'value' in item || 'system' in item ? [item] : [];
}

function token(coded: Coded, value: string): boolean {
  const code = coded.code ?? coded.value;
  if (!value.includes('|')) return code === value;
  const [system, wanted] = [value.slice(0, value.indexOf('|')), value.slice(value.indexOf('|') + 1)];
  if (wanted === '') return coded.system === system;
  return code === wanted && (system === '' ? coded.system === undefined : coded.system === system);
}

function ofType(item: unknown, value: string): boolean {
  const [system, code, wanted] = value.split('|');
  if (!isJson(item) || !isJson(item['type']) || item['value'] !== wanted) return false;
  return list(item['type']['coding']).some(
    (coding) => isJson(coding) && coding['code'] === code && (system === '' || coding['system'] === system),
  );
}

function texts(item: unknown): string[] {
  if (!isJson(item)) return [];
  const from =
    'type' in item && isJson(item['type'])
      ? [item['type']['text']]
      : [item['text'], item['display'], ...list(item['coding']).map((one) => isJson(one) && one['display'])];
  return from.filter((text) => typeof text === 'string');
}

function strings(item: unknown): string[] {
  if (typeof item === 'string') return [item];
  if (!isJson(item)) return [];
  const keys = ['text', 'family', 'given', 'prefix', 'suffix', 'line', 'city', 'district', 'state', 'postalCode', 'country'];
  return keys.flatMap((key) => list(item[key])).filter((text) => typeof text === 'string');
}

/** Letters, digits and symbols, without case and accents, single spaces. */
export function fold(text: string): string {
  const bare = (from: string) => from.normalize('NFKD').replaceAll(/\p{M}/gu, '');
  const lower = bare(bare(text).toLowerCase());
  return lower
    .replaceAll(/[\s\p{Z}]/gu, ' ')
    .replaceAll(/[\p{P}\p{Cc}\p{Cf}]/gu, '')
    .replaceAll(/ +/g, ' ')
    .trim();
}

function string(text: string, modifier: string | undefined, value: string): boolean {
  if (modifier === 'exact') return text === value;
  return modifier === 'contains' ? fold(text).includes(fold(value)) : fold(text).startsWith(fold(value));
}

interface Range {
  readonly low: number;
  readonly high: number;
}

/** Milliseconds, half-open. */
function spanOf(text: string, zone: string): Range | undefined {
  const [, year, month, day, hour, minute, second, fraction, offset] =
    /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/.exec(text) ?? [];
  if (year === undefined) return undefined;
  const iso = `${year}-${month ?? '01'}-${day ?? '01'}T${hour ?? '00'}:${minute ?? '00'}:${second ?? '00'}`;
  const start = offset === undefined ? DateTime.fromISO(iso, { zone }) : DateTime.fromISO(`${iso}${offset}`, { setZone: true });
  const unit = !month ? 'year' : !day ? 'month' : !hour ? 'day' : !second ? 'minute' : 'second';
  if (fraction === undefined) return { low: start.toMillis(), high: start.plus({ [unit]: 1 }).toMillis() };
  const low = start.toMillis() + Number(fraction) * 1000;
  return { low, high: low + 1000 / 10 ** (fraction.length - 1) };
}

function dates(item: unknown, { zone }: OracleEnv): Range[] {
  const one = (text: unknown) => (typeof text === 'string' ? spanOf(text, zone) : undefined);
  if (typeof item === 'string') return [one(item)].filter((range) => range !== undefined);
  if (!isJson(item)) return [];
  const period = (from: Json) => {
    const [start, end] = [one(from['start']), one(from['end'])];
    return start || end ? { low: start?.low ?? -Infinity, high: end?.high ?? Infinity } : undefined;
  };
  if (!('repeat' in item || 'event' in item)) return [period(item)].filter((range) => range !== undefined);
  const bounds =
    isJson(item['repeat']) && isJson(item['repeat']['boundsPeriod']) ? period(item['repeat']['boundsPeriod']) : undefined;
  const all = [...list(item['event']).map(one), bounds].filter((range) => range !== undefined);
  return all.length === 0
    ? []
    : [{ low: Math.min(...all.map(({ low }) => low)), high: Math.max(...all.map(({ high }) => high)) }];
}

function prefixed(value: string): readonly [string, string] {
  return /^(eq|ne|gt|lt|ge|le|sa|eb|ap)/.test(value) ? [value.slice(0, 2), value.slice(2)] : ['eq', value];
}

const nearly = 1e-7;

function date(target: Range, value: string, env: OracleEnv): boolean {
  const [prefix, text] = prefixed(value);
  const wanted = spanOf(text, env.zone);
  if (!wanted) throw new Error(`no date: ${value}`);
  const inside = wanted.low <= target.low + nearly && target.high <= wanted.high + nearly;
  if (prefix === 'eq') return inside;
  if (prefix === 'ne') return !inside;
  if (prefix === 'gt') return target.high > wanted.high + nearly;
  if (prefix === 'lt') return target.low < wanted.low - nearly;
  if (prefix === 'ge') return inside || target.high > wanted.high + nearly;
  if (prefix === 'le') return inside || target.low < wanted.low - nearly;
  if (prefix === 'sa') return target.low >= wanted.high - nearly;
  if (prefix === 'eb') return target.high <= wanted.low + nearly;
  const gap = Math.abs(Date.now() - wanted.low) / 10;
  return target.low < wanted.high + gap && target.high > wanted.low - gap;
}

function numbers(item: Json): (Range & { readonly of: Json }) | undefined {
  const number = (from: unknown) => (isJson(from) && typeof from['value'] === 'number' ? from['value'] : undefined);
  if ('low' in item || 'high' in item) {
    const [low, high] = [number(item['low']), number(item['high'])];
    if (low === undefined && high === undefined) return undefined;
    return { low: low ?? -Infinity, high: high ?? Infinity, of: (low === undefined ? item['high'] : item['low']) as Json };
  }
  if (typeof item['data'] === 'string') {
    const zero = number(item['origin']) ?? 0;
    const samples = item['data']
      .split(/\s+/)
      .map(Number)
      .filter((sample) => !Number.isNaN(sample));
    const values = samples.map((sample) => zero + sample * Number(item['factor'] ?? 1));
    return values.length === 0 ? undefined : { low: Math.min(...values), high: Math.max(...values), of: item['origin'] as Json };
  }
  const value = number(item);
  if (value === undefined) return undefined;
  const comparator = item['comparator'];
  const step = Math.abs(value) * 1e-15 || 1e-300;
  if (comparator === '<' || comparator === '<=')
    return { low: -Infinity, high: comparator === '<' ? value - step : value, of: item };
  if (comparator === '>' || comparator === '>=')
    return { low: comparator === '>' ? value + step : value, high: Infinity, of: item };
  return { low: value, high: value, of: item };
}

function quantity(item: unknown, value: string, env: OracleEnv): boolean {
  if (!isJson(item)) return false;
  const target = numbers(item);
  if (!target) return false;
  const [first = '', system, code] = value.split('|');
  const [prefix, text] = prefixed(first);
  let { low, high } = target;
  const decimals = /\.(\d+)/.exec(text)?.[1]?.length ?? 0;
  let [wanted, half] = [Number(text), 0.5 / 10 ** decimals];
  if (code !== undefined && code !== '') {
    const ucum = 'http://unitsofmeasure.org';
    const here = system === ucum ? env.toCanonical(code) : undefined;
    const there = target.of['system'] === ucum ? env.toCanonical(String(target.of['code'])) : undefined;
    if (here) {
      if (here.code !== there?.code) return false;
      [low, high] = [low * there.factor, high * there.factor];
      [wanted, half] = [wanted * here.factor, half * here.factor];
    } else if (system === '') {
      if (target.of['unit'] !== code && target.of['code'] !== code) return false;
    } else if (target.of['system'] !== system || target.of['code'] !== code) return false;
  }
  return compareNumbers(prefix, { low, high }, wanted, half);
}

function compareNumbers(prefix: string, { low, high }: Range, wanted: number, half: number): boolean {
  const fine = Math.abs(wanted) * 1e-16;
  const inside = low >= wanted - half - half * 1e-9 && high < wanted + half - half * 1e-9;
  if (prefix === 'eq') return inside;
  if (prefix === 'ne') return !inside;
  if (prefix === 'gt') return high > wanted + fine;
  if (prefix === 'ge') return high >= wanted - fine;
  if (prefix === 'lt') return low < wanted - fine;
  if (prefix === 'le') return low <= wanted + fine;
  if (prefix === 'sa') return low > wanted + fine;
  if (prefix === 'eb') return high < wanted - fine;
  const tenth = Math.abs(wanted) / 10;
  return low <= wanted + tenth + fine && high >= wanted - tenth - fine;
}

function reference(
  item: unknown,
  modifier: string | undefined,
  value: string,
  targets: readonly string[],
  env: OracleEnv,
): boolean {
  const text = isJson(item) ? item['reference'] : item;
  if (typeof text !== 'string') return false;
  const local = (from: string) => {
    const relative = from.startsWith(`${env.baseUrl}/`) ? from.slice(env.baseUrl.length + 1) : from;
    return /^([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history\/.+)?$/.exec(relative)?.[1];
  };
  const here = isJson(item) ? local(text) : undefined;
  if (/^[A-Za-z0-9.-]+$/.test(value))
    return here?.endsWith(`/${value}`) === true && (modifier === undefined || here === `${modifier}/${value}`);
  const wanted = local(value);
  return wanted === undefined ? here === undefined && text === value : here === wanted && targets.length >= 0;
}

/** What a value is sorted by. */
export function comparable(item: unknown, type: string, name: string, descending: boolean, env: OracleEnv): (number | string)[] {
  const hex = (text: unknown) => (typeof text === 'string' ? [Buffer.from(text).toString('hex')] : []);
  if (type === 'date') return dates(item, env).map(({ low, high }) => (descending ? high : low));
  if (type === 'string') return strings(item).flatMap((text) => hex(fold(text)));
  return tokens(item, name).flatMap((coded) => hex(coded.code ?? coded.value ?? (coded.system === undefined ? undefined : '')));
}

export function list(value: unknown): unknown[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
}

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
