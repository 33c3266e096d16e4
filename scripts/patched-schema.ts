/** The part of HL7's R4 JSON schema that serves our types, with what that schema leaves out put in. */
import type { Codes, ElementRow, Structure } from '../src/fhir/structure.ts';

interface Node {
  $ref?: string;
  type?: string | string[];
  pattern?: string;
  enum?: (string | null)[];
  const?: string;
  items?: Node;
  properties?: Record<string, Node>;
  additionalProperties?: boolean;
  required?: string[];
  allOf?: Node[];
  anyOf?: Node[];
  minimum?: number;
  maximum?: number;
}

/** Where JSON Schema's patterns do not say what R4 says: numbers ignore patterns, JavaScript's \s is wider than XML's. */
const primitives: Readonly<Record<string, Node>> = {
  boolean: { type: 'boolean' },
  integer: { type: 'integer', minimum: -2147483648, maximum: 2147483647 },
  unsignedInt: { type: 'integer', minimum: 0, maximum: 2147483647 },
  positiveInt: { type: 'integer', minimum: 1, maximum: 2147483647 },
  decimal: { type: 'number' },
  string: { type: 'string', pattern: '\\S' },
  markdown: { type: 'string', pattern: '\\S' },
  code: { type: 'string', pattern: '^\\S+( \\S+)*$' },
  uri: { type: 'string', pattern: '^\\S+$' },
  url: { type: 'string', pattern: '^\\S+$' },
  canonical: { type: 'string', pattern: '^\\S+$' },
  base64Binary: { type: 'string' },
  xhtml: { type: 'string', pattern: '\\S' },
};

export function patchedSchema(
  schema: { definitions: Record<string, Node> },
  structure: Structure,
  codes: Codes,
  served: readonly string[],
): object {
  const result: Record<string, Node> = {
    ResourceList: { type: 'object', properties: { resourceType: { type: 'string' } }, required: ['resourceType'] },
  };
  const typeOf = new Map(Object.keys(structure).map((type) => [schemaName(type), type]));
  const wanted = [...served];
  for (const name of wanted) {
    if (result[name]) continue;
    const definition = strip(primitives[name] ?? schema.definitions[name]);
    result[name] = definition;
    const type = typeOf.get(name);
    if (type !== undefined) patch(definition, structure[type] ?? {}, codes);
    wanted.push(...references(definition));
  }
  return result;
}

/** `Bundle.entry.request` is `Bundle_Request` in HL7's schema. */
function schemaName(type: string): string {
  const parts = type.split('.');
  const last = parts.at(-1) ?? '';
  return parts.length === 1 ? type : `${parts[0]}_${capital(last)}`;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function strip(node: Node | undefined): Node {
  if (!node) throw new Error('a definition is missing');
  return JSON.parse(
    JSON.stringify(node, (key, value: unknown) => (key === 'description' && typeof value === 'string' ? undefined : value)),
  );
}

function references(node: Node): string[] {
  return [...JSON.stringify(node).matchAll(/"#\/definitions\/(\w+)"/g)].map((match) => match[1] ?? '');
}

function patch(definition: Node, elements: Readonly<Record<string, ElementRow>>, codes: Codes): void {
  definition.type = 'object';
  const properties = definition.properties ?? {};
  const required = new Set(definition.required);
  const standard = new Set(['resourceType', ...Object.entries(elements).flatMap(([name, row]) => keysOf(name, row))]);
  // The package adds elements of its own, such as Reference.resource and Meta.project.
  for (const key of Object.keys(properties)) if (!standard.has(key.replace('_', ''))) delete properties[key];
  for (const [name, row] of Object.entries(elements)) {
    const keys = keysOf(name, row);
    for (const [index, key] of keys.entries()) {
      if (!properties[key]) throw new Error(`the schema lacks ${key}`);
      const type = row.types[index] ?? '';
      if (row.codes !== undefined && type === 'code')
        setItem(properties, key, { enum: Object.values(codes[row.codes] ?? {}).flat() });
      else if (/^[a-z]/.test(type)) setItem(properties, key, { $ref: `#/definitions/${type}` });
      if (row.many && /^[a-z]/.test(type)) allowNull(properties, key);
    }
    // In XML these are attributes (or markup), which cannot have extensions.
    if (name === 'id' || (name === 'url' && 'value[x]' in elements && row.min) || name === 'div') delete properties[`_${name}`];
    if (!row.min) continue;
    const present = keys.flatMap((key) => (properties[`_${key}`] ? [key, `_${key}`] : [key]));
    for (const key of keys) required.delete(key);
    if (present.length === 1) required.add(present[0] ?? '');
    else {
      definition.allOf ??= [];
      definition.allOf.push({ anyOf: present.map((key) => ({ required: [key] })) });
    }
  }
  definition.required = [...required];
}

function keysOf(name: string, row: ElementRow): string[] {
  if (!name.endsWith('[x]')) return [name];
  return row.types.map((type) => name.slice(0, -3) + capital(type === 'SimpleQuantity' ? 'Quantity' : type));
}

function setItem(properties: Record<string, Node>, key: string, item: Node): void {
  properties[key] = properties[key]?.items ? { type: 'array', items: item } : item;
}

/** Arrays of primitives and their `_` siblings, which the schema forgets for arrays of canonical, hold null where the other one speaks. */
function allowNull(properties: Record<string, Node>, key: string): void {
  const values = properties[key];
  const siblings = properties[`_${key}`] ?? { type: 'array', items: { $ref: '#/definitions/Element' } };
  properties[`_${key}`] = siblings;
  if (!values?.items || !siblings.items) throw new Error(`${key} is no array of primitives`);
  values.items = values.items.enum ? { enum: [...values.items.enum, null] } : { anyOf: [{ type: 'null' }, values.items] };
  siblings.items = { anyOf: [{ type: 'null' }, siblings.items] };
}
