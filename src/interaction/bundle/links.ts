/** Links between the entries of a Bundle, and how they are put in anew once ids are known. https://hl7.org/fhir/R4/http.html#trules */
import { isJsonObject, type JsonObject } from '../../fhir/json.ts';
import { error, type Issue } from '../../fhir/outcome.ts';
import { parseReference } from '../../fhir/references.ts';
import { shapeOf, type TypeShape } from '../../fhir/structure.ts';

/** Final address of a provisional one or of a conditional reference. */
type AddressOf = (provisional: string) => string | undefined;

/** One string of a resource that names another entry. */
interface Site {
  readonly path: readonly (string | number)[];
  readonly write: (addressOf: AddressOf) => string;
}

export interface LinkedResource {
  readonly sites: readonly Site[];
  readonly conditional: readonly {
    readonly text: string;
    readonly type: string;
    readonly query: string;
    readonly expression: string;
  }[];
  /** References by `urn:` that no entry answers to. */
  readonly issues: readonly Issue[];
}

/** The provisional address of the entry that this text names; undefined when it names none. */
export type EntryAddress = (text: string) => string | undefined;

/** Types of elements that hold a link; `canonical` is not among them, as R4 says. */
const linkTypes: ReadonlySet<string> = new Set(['uri', 'url', 'oid', 'uuid']);
/** In resources whose structure the gateway does not know, the names say it. */
const linkKeys = /^(?:reference|url|uri|valueUri|valueUrl|valueOid|valueUuid)$/;
const attributeLink = /(\s(?:href|src)\s*=\s*)(?:"([^"]*)"|'([^']*)')/g;

/** Every place of a resource that names an entry of the Bundle: references, uris, links of narratives, at any depth. */
export function findLinks(resource: JsonObject, entryAddress: EntryAddress): LinkedResource {
  const sites: Site[] = [];
  const conditional: LinkedResource['conditional'][number][] = [];
  const issues: Issue[] = [];
  const path: (string | number)[] = [];
  const type = typeName(resource);

  const reference = (text: string, expression: string) => {
    const [target = '', fragment] = text.split('#');
    const provisional = target === '' ? undefined : entryAddress(target);
    const at = [...path];
    if (provisional !== undefined) {
      const rest = fragment === undefined ? '' : `#${fragment}`;
      sites.push({ path: at, write: (addressOf) => (addressOf(provisional) ?? provisional) + rest });
      return;
    }
    const parsed = parseReference(text);
    if (parsed?.kind === 'conditional') {
      conditional.push({ text, type: parsed.type, query: parsed.query, expression });
      sites.push({ path: at, write: (addressOf) => addressOf(text) ?? text });
    } else if (parsed?.kind === 'urn') {
      issues.push(error('not-found', `${expression}: ${text} is the fullUrl of no entry of this Bundle.`, expression));
    }
  };

  const narrative = (div: string) => {
    const links = [...div.matchAll(attributeLink)].map(([, , double, single]) => double ?? single ?? '');
    if (!links.some((link) => entryAddress(link) !== undefined)) return;
    const write = (addressOf: AddressOf) =>
      div.replaceAll(attributeLink, (whole, before: string, double?: string, single?: string) => {
        const provisional = entryAddress(double ?? single ?? '');
        return provisional === undefined ? whole : `${before}"${addressOf(provisional) ?? provisional}"`;
      });
    sites.push({ path: [...path], write });
  };

  const text = (value: string, key: string, type: string | undefined, isReference: boolean, expression: string) => {
    if (isReference && key === 'reference') reference(value, expression);
    else if (type === 'xhtml' || (type === undefined && key === 'div')) narrative(value);
    else if (type === undefined ? linkKeys.test(key) : linkTypes.has(type)) {
      const provisional = entryAddress(value);
      if (provisional !== undefined) sites.push({ path: [...path], write: (addressOf) => addressOf(provisional) ?? provisional });
    }
  };

  const walk = (node: JsonObject, shape: TypeShape | undefined, expression: string): void => {
    const isReference = shape ? shape.name === 'Reference' : typeof node['reference'] === 'string';
    for (const key in node) {
      const value = node[key];
      const slot = shape?.slots.get(key.startsWith('_') ? key.slice(1) : key);
      const here = `${expression}.${slot?.element ?? key.replace(/^_/, '')}`;
      path.push(key);
      if (typeof value === 'string') text(value, key, slot?.type, isReference, isReference ? expression : here);
      else if (Array.isArray(value))
        value.forEach((item: unknown, index) => {
          path.push(index);
          if (typeof item === 'string') text(item, key, slot?.type, false, `${here}[${index}]`);
          else if (isJsonObject(item)) walk(item, shapeFor(childType(key, slot), item), `${here}[${index}]`);
          path.pop();
        });
      else if (isJsonObject(value)) walk(value, shapeFor(childType(key, slot), value), here);
      path.pop();
    }
  };
  walk(resource, shapeOf(type), type);
  return { sites, conditional, issues };
}

function childType(key: string, slot: { readonly type: string; readonly primitive: boolean } | undefined): string | undefined {
  if (slot?.primitive) return 'Element';
  return slot?.type ?? (key === 'extension' || key === 'modifierExtension' ? 'Extension' : undefined);
}

function shapeFor(type: string | undefined, node: JsonObject): TypeShape | undefined {
  if (type === 'Resource') return shapeOf(typeName(node));
  return type === undefined ? undefined : shapeOf(type);
}

function typeName(resource: JsonObject): string {
  return typeof resource['resourceType'] === 'string' ? resource['resourceType'] : 'Resource';
}

/** The resource with its links written; the same parts where there are none. */
export function withLinks<T extends JsonObject>(resource: T, sites: readonly Site[], addressOf: AddressOf): T {
  return sites.reduce<T>((changed, { path, write }) => replaceAt(changed, path, 0, write(addressOf)) as T, resource);
}

function replaceAt(node: unknown, path: readonly (string | number)[], depth: number, value: string): unknown {
  const key = path[depth];
  if (key === undefined) return value;
  if (Array.isArray(node))
    return node.map((item: unknown, index) => (index === key ? replaceAt(item, path, depth + 1, value) : item));
  return isJsonObject(node) ? { ...node, [key]: replaceAt(node[key], path, depth + 1, value) } : node;
}
