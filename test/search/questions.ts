/** Random questions that have a chance to be answered: made from values that are really served. */
import { parametersOf } from '../../src/search/parameter.ts';
import { fold, isJson, list, type Question, type Served, valuesOf } from './oracle.ts';

export type Random = () => number;

/** A small seeded generator, so that a failing question can be asked again. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item;
}

const unasked = new Set(['_lastUpdated', 'phonetic']);

/** A question about one parameter; undefined where no value to ask for was found. */
export function question(random: Random, type: string, resources: readonly Served[]): Question | undefined {
  const names = [...parametersOf(type).keys()].filter((name) => !unasked.has(name));
  const name = pick(random, names);
  const parameter = parametersOf(type).get(name);
  if (!parameter || resources.length === 0) return undefined;
  if (name === '_id') return { name, values: [pick(random, resources).id], ...(random() < 0.2 ? { modifier: 'not' } : {}) };
  if (parameter.type !== 'composite' && random() < 0.12)
    return { name, modifier: 'missing', values: [pick(random, ['true', 'false'])] };
  if (parameter.components) {
    const resource = pick(random, resources);
    const parts = parameter.components.map((component) => one(random, resource, component.name, component.type, undefined));
    return parts.every((part) => part !== undefined && !part.includes('$')) ? { name, values: [parts.join('$')] } : undefined;
  }
  const modifier = modifierFor(random, parameter.type, name, pick(random, resources));
  const wanted = 1 + (random() < 0.25 ? Math.floor(random() * 3) : 0);
  const values = Array.from({ length: wanted * 4 }, () => one(random, pick(random, resources), name, parameter.type, modifier))
    .filter((value) => value !== undefined)
    .slice(0, wanted);
  return values.length === 0 ? undefined : { name, values, ...(modifier === undefined ? {} : { modifier }) };
}

function modifierFor(random: Random, type: string, name: string, resource: Served): string | undefined {
  if (random() < 0.6) return undefined;
  if (type === 'token') return pick(random, name === 'identifier' ? ['not', 'text', 'of-type'] : ['not', 'text', undefined]);
  if (type === 'string') return pick(random, ['exact', 'contains']);
  if (type === 'uri') return pick(random, ['above', 'below']);
  if (type !== 'reference') return undefined;
  const types = valuesOf(resource, name).flatMap(
    (value) => /^([A-Z]\w+)\//.exec(isJson(value) ? String(value['reference']) : '')?.[1] ?? [],
  );
  return pick(random, ['identifier', ...types]);
}

function one(random: Random, resource: Served, name: string, type: string, modifier: string | undefined): string | undefined {
  const value = pick(random, valuesOf(resource, name));
  if (value === undefined) return undefined;
  if (modifier === 'text') return partOf(random, pick(random, textsIn(value)));
  if (modifier === 'of-type') return ofTypeValue(random, value);
  if (modifier === 'identifier')
    return isJson(value) && isJson(value['identifier']) ? tokenText(random, value['identifier']) : undefined;
  if (type === 'token') return tokenValue(random, value);
  if (type === 'string') return stringValue(random, value, modifier);
  if (type === 'date') return dateValue(random, value);
  if (type === 'quantity') return quantityValue(random, value);
  if (type === 'uri') return uriValue(random, String(value), modifier);
  return referenceValue(random, value, modifier);
}

function uriValue(random: Random, uri: string, modifier: string | undefined): string {
  if (modifier === 'below') return uri.slice(0, Math.max(uri.lastIndexOf('/'), 12));
  return modifier === 'above' && random() < 0.6 ? `${uri}/further` : uri;
}

function textsIn(value: unknown): readonly string[] {
  if (!isJson(value)) return [];
  const type = value['type'];
  const from = isJson(type)
    ? [type['text']]
    : [value['text'], value['display'], ...list(value['coding']).map((coding) => isJson(coding) && coding['display'])];
  return from.filter((text) => typeof text === 'string');
}

function partOf(random: Random, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const part = [...text].slice(0, 1 + Math.floor(random() * 12)).join('');
  return fold(part) === '' ? undefined : part;
}

function ofTypeValue(random: Random, value: unknown): string | undefined {
  if (!isJson(value) || !isJson(value['type'])) return undefined;
  const coding = pick(random, list(value['type']['coding']));
  if (!isJson(coding) || typeof coding['code'] !== 'string' || typeof value['value'] !== 'string') return undefined;
  const parts = [random() < 0.5 ? String(coding['system'] ?? '') : '', coding['code'], value['value']];
  return parts.some((part) => part.includes('|')) ? undefined : parts.join('|');
}

function tokenValue(random: Random, value: unknown): string | undefined {
  if (typeof value === 'boolean' || typeof value === 'string') return String(value);
  if (!isJson(value)) return undefined;
  const coded = 'coding' in value ? pick(random, list(value['coding'])) : value;
  return isJson(coded) ? tokenText(random, coded) : undefined;
}

function tokenText(random: Random, coded: Readonly<Record<string, unknown>>): string | undefined {
  const isContact = ['phone', 'email', 'fax', 'pager', 'url', 'sms', 'other'].includes(String(coded['system']));
  const code = coded['code'] ?? coded['value'];
  const system = isContact ? undefined : coded['system'];
  if (typeof code !== 'string' || code.includes('|')) return typeof system === 'string' ? `${system}|` : undefined;
  if (isContact) return code;
  return pick(random, [
    code,
    `${typeof system === 'string' ? system : ''}|${code}`,
    `|${code}`,
    typeof system === 'string' ? `${system}|` : code,
  ]);
}

function stringValue(random: Random, value: unknown, modifier: string | undefined): string | undefined {
  const texts =
    typeof value === 'string'
      ? [value]
      : isJson(value)
        ? ['text', 'family', 'given', 'city', 'line', 'country'].flatMap((key) => list(value[key]))
        : [];
  const text = pick(
    random,
    texts.filter((one) => typeof one === 'string'),
  );
  if (text === undefined || text.length > 200) return undefined;
  if (modifier === 'exact') return random() < 0.5 ? text : text.toUpperCase();
  const from = modifier === 'contains' ? Math.floor(random() * text.length) : 0;
  const part = partOf(random, [...text].slice(from).join(''));
  return part !== undefined && random() < 0.3 ? part.toUpperCase() : part;
}

const prefixes = ['', '', '', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'];

function dateValue(random: Random, value: unknown): string | undefined {
  const texts =
    typeof value === 'string' ? [value] : isJson(value) ? [value['start'], value['end'], ...list(value['event'])] : [];
  const text = pick(
    random,
    texts.filter((one) => typeof one === 'string'),
  );
  if (text === undefined || !/^\d{4}(-|$)/.test(text)) return undefined;
  const cut = pick(random, [
    text,
    text,
    text.slice(0, 10),
    text.slice(0, 7),
    text.slice(0, 4),
    text.length > 16 ? text.slice(0, 16) : text,
  ]);
  return pick(random, prefixes) + cut;
}

function quantityValue(random: Random, value: unknown): string | undefined {
  if (!isJson(value)) return undefined;
  const of = isJson(value['low']) ? value['low'] : isJson(value['high']) ? value['high'] : value;
  const number = of['value'];
  if (typeof number !== 'number' || Math.abs(number) > 1e12 || /e/.test(String(number))) return undefined;
  const shown = pick(random, [String(number), number.toFixed(1), String(Math.round(number))]);
  const system = String(of['system'] ?? '');
  const code = String(of['code'] ?? of['unit'] ?? '');
  const unit = pick(random, ['', `||${code}`, system === '' ? '' : `|${system}|${code}`]);
  return code === '' || code.includes('|') ? pick(random, prefixes) + shown : pick(random, prefixes) + shown + unit;
}

function referenceValue(random: Random, value: unknown, modifier: string | undefined): string | undefined {
  const text = isJson(value) ? value['reference'] : value;
  if (typeof text !== 'string' || text.startsWith('#')) return undefined;
  const id = /^[A-Z]\w+\/([A-Za-z0-9.-]{1,64})$/.exec(text)?.[1];
  if (modifier !== undefined) return id;
  return id !== undefined && random() < 0.5 ? id : text;
}

export function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll(',', '\\,');
}
