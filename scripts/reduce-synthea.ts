/**
 * Reduces a transaction Bundle of Synthea to the types that this gateway keeps: `node scripts/reduce-synthea.ts <file>…` writes the Bundles to
 * standard output, one a line.
 *
 * - Entries of other types are left out.
 * - References to what was left out become logical: the same urn as an identifier (system urn:ietf:rfc:3986), type and display kept.
 * - Conditional references to types that are not kept (`Practitioner?identifier=…`) become logical in the same way.
 * - Nothing else is touched.
 */
import { readFileSync } from 'node:fs';
import { argv, stdout } from 'node:process';
import { parseJson, stringifyJson } from '../src/fhir/json.ts';
import { createGatewayRegistry } from '../src/gateway.ts';
import { isObject, type JsonObject } from '../src/mapping/lift.ts';

export function reduceSynthea(bundle: JsonObject, types: readonly string[]): JsonObject {
  const entries = Array.isArray(bundle['entry']) ? bundle['entry'].filter(isObject) : [];
  const typeByUrl = new Map(entries.map((entry) => [String(entry['fullUrl']), typeOf(entry)]));
  const kept = entries.filter((entry) => types.includes(typeOf(entry)));
  const reduce = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reduce);
    if (!isObject(value) || JSON.isRawJSON(value)) return value;
    const { reference } = value;
    const type = typeof reference === 'string' ? (typeByUrl.get(reference) ?? /^([A-Z]\w+)\?/.exec(reference)?.[1]) : undefined;
    if (type !== undefined && !types.includes(type)) return logical(value, type);
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, reduce(child)]));
  };
  const { entry: _all, ...rest } = bundle;
  const entry = kept.map((one) => ({ ...one, resource: reduce(one['resource']) }));
  return entry.length === 0 ? rest : { ...rest, entry };
}

function logical({ reference, ...rest }: JsonObject, type: string): JsonObject {
  const text = String(reference);
  const [, token] = /\?identifier=(.*)$/.exec(text) ?? [];
  const [system = '', value = ''] = token === undefined ? ['urn:ietf:rfc:3986', text] : token.split('|');
  return { ...rest, type, identifier: { system, value } };
}

function typeOf(entry: JsonObject): string {
  return isObject(entry['resource']) ? String(entry['resource']['resourceType']) : '';
}

if (import.meta.main) {
  const { resourceTypes } = createGatewayRegistry();
  for (const file of argv.slice(2)) {
    const reduced = reduceSynthea(parseJson(readFileSync(file)) as JsonObject, resourceTypes);
    stdout.write(`${stringifyJson(reduced)}\n`);
  }
}
