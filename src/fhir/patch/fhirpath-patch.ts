/** FHIRPath Patch: a Parameters resource of operations on elements. https://hl7.org/fhir/R4/fhirpatch.html */
import { isJsonObject, type JsonObject } from '../json.ts';
import { error, FhirError, type Issue } from '../outcome.ts';
import { shapeOf, type TypeShape } from '../structure.ts';
import { evaluate, type PathNode, parseSimplePath } from './simple-path.ts';

const types = ['add', 'insert', 'delete', 'replace', 'move'] as const;

interface Operation {
  readonly index: number;
  readonly type: (typeof types)[number];
  readonly path: string;
  readonly parts: ReadonlyMap<string, JsonObject>;
}

type Path = readonly (string | number)[];

/** Checks the Parameters; what it gives applies them. @throws FhirError `malformed` with every operation that is none */
export function parseFhirpathPatch(parameters: unknown): (resource: JsonObject) => JsonObject {
  if (!isJsonObject(parameters) || parameters['resourceType'] !== 'Parameters')
    throw new FhirError('malformed', [error('structure', 'A FHIRPath Patch is a Parameters resource.', 'resourceType')]);
  const list: readonly unknown[] = Array.isArray(parameters['parameter']) ? parameters['parameter'] : [];
  const issues: Issue[] = [];
  const operations = list.flatMap((one, index) => operationOf(one, index, issues) ?? []);
  if (issues.length > 0) throw new FhirError('malformed', issues);
  return (resource) => operations.reduce((changed, operation) => apply(changed, operation), resource);
}

function operationOf(one: unknown, index: number, issues: Issue[]): Operation | null {
  const refuse = (text: string): null => {
    issues.push(error('structure', `Operation ${index}: ${text}.`, `Parameters.parameter[${index}]`));
    return null;
  };
  if (!isJsonObject(one) || one['name'] !== 'operation' || !Array.isArray(one['part']))
    return refuse('is not a parameter named operation with parts');
  const parts = new Map(one['part'].filter(isJsonObject).map((part) => [String(part['name']), part]));
  const type = types.find((name) => name === parts.get('type')?.['valueCode']);
  if (type === undefined) return refuse(`type is none of ${types.join(', ')}`);
  const path = parts.get('path')?.['valueString'];
  if (typeof path !== 'string') return refuse('path is missing');
  const needed = {
    add: ['name', 'value'],
    insert: ['value', 'index'],
    delete: [],
    replace: ['value'],
    move: ['source', 'destination'],
  }[type];
  const missing = needed.filter((name) => !parts.has(name));
  return missing.length > 0 ? refuse(`${missing.join(' and ')} is missing`) : { index, type, path, parts };
}

function apply(resource: JsonObject, operation: Operation): JsonObject {
  const nodes = nodesAt(resource, operation);
  switch (operation.type) {
    case 'add':
      return add(resource, operation, single(nodes, operation));
    case 'replace': {
      const node = single(nodes, operation);
      return replaceAt(
        resource,
        keyed(node.path, operation, nodeParent(resource, node)),
        givenValue(operation, shapeOfNode(node)),
      );
    }
    case 'delete':
      if (nodes.length > 1) throw failed(operation, 'the path leads to more than one element');
      return nodes[0] ? removeAt(resource, nodes[0].path) : resource;
    case 'insert':
      return insert(resource, operation);
    case 'move':
      return move(resource, operation);
  }
}

function nodesAt(resource: JsonObject, operation: Operation): readonly PathNode[] {
  const steps = parseSimplePath(operation.path, String(resource['resourceType']));
  if (!steps)
    throw failed(
      operation,
      "the path is not one that is understood here: elements, [n], first(), last(), where(a = 'b'), extension('url'), ofType(T)",
    );
  return evaluate(resource, steps);
}

function single(nodes: readonly PathNode[], operation: Operation): PathNode {
  const [node, ...more] = nodes;
  if (!node) throw failed(operation, 'the path leads to nothing');
  if (more.length > 0) throw failed(operation, 'the path leads to more than one element');
  return node;
}

/** Appends to a list, or sets an element that is not there yet. */
function add(resource: JsonObject, operation: Operation, node: PathNode): JsonObject {
  if (!isJsonObject(node.value)) throw failed(operation, 'the path leads to a simple value, to which nothing can be added');
  const name = String(operation.parts.get('name')?.['valueString'] ?? '');
  const key = keyFor(name, operation, node.shape);
  const slot = node.shape?.slots.get(key);
  const present = node.value[key];
  const made = givenValue(operation, slot ? shapeOf(slot.type) : undefined);
  const isList = slot ? slot.many : Array.isArray(present) || key === 'extension' || key === 'modifierExtension';
  if (!isList && present !== undefined) throw failed(operation, `${name} is there already; use replace`);
  const value = isList ? [...(Array.isArray(present) ? (present as readonly unknown[]) : []), made] : made;
  return replaceAt(resource, [...node.path, key], value);
}

function insert(resource: JsonObject, operation: Operation): JsonObject {
  const { list, path } = listAt(resource, operation);
  const at = operation.parts.get('index')?.['valueInteger'];
  if (typeof at !== 'number' || at < 0 || at > list.length)
    throw failed(operation, `index is no place of the list, which has ${list.length} items`);
  const parent = valueIn(resource, path.slice(0, -1));
  const made = givenValue(operation, nodesAt(resource, operation)[0]?.shape ?? undefined);
  if (!isJsonObject(parent)) throw failed(operation, 'the path leads to nothing');
  return replaceAt(resource, path, list.toSpliced(at, 0, made));
}

function move(resource: JsonObject, operation: Operation): JsonObject {
  const { list, path } = listAt(resource, operation);
  const from = operation.parts.get('source')?.['valueInteger'];
  const to = operation.parts.get('destination')?.['valueInteger'];
  if (typeof from !== 'number' || typeof to !== 'number' || !(from in list) || !(to in list))
    throw failed(operation, `source and destination must be places of the list, which has ${list.length} items`);
  return replaceAt(resource, path, list.toSpliced(from, 1).toSpliced(to, 0, list[from]));
}

/** The list that all nodes of the path are items of. */
function listAt(resource: JsonObject, operation: Operation): { readonly list: readonly unknown[]; readonly path: Path } {
  const [first] = nodesAt(resource, operation);
  const path = first?.path.slice(0, -1) ?? [];
  const list = valueIn(resource, path);
  if (!first || !Array.isArray(list)) throw failed(operation, 'the path leads to no list');
  return { list, path };
}

/** A value of a simple type stands as `value[x]`; one of a backbone element as parts. */
function givenValue(operation: Operation, shape: TypeShape | undefined): unknown {
  const part = operation.parts.get('value') ?? {};
  return partValue(part, shape, operation);
}

function partValue(part: JsonObject, shape: TypeShape | undefined, operation: Operation): unknown {
  const key = Object.keys(part).find((name) => /^value[A-Z]/.test(name));
  if (key !== undefined) return part[key];
  if (isJsonObject(part['resource'])) return part['resource'];
  const inner: readonly unknown[] = Array.isArray(part['part']) ? part['part'] : [];
  if (inner.length === 0) throw failed(operation, 'a value is missing');
  const made: Record<string, unknown> = {};
  for (const one of inner.filter(isJsonObject)) {
    const name = String(one['name']);
    const own = choiceKey(name, one, shape);
    const slot = shape?.slots.get(own);
    const value = partValue(one, slot ? shapeOf(slot.type) : undefined, operation);
    const before = made[own];
    if (slot?.many || Array.isArray(before))
      made[own] = [...(Array.isArray(before) ? (before as readonly unknown[]) : []), value];
    else made[own] = own in made ? [before, value] : value;
  }
  return made;
}

function keyFor(name: string, operation: Operation, shape: TypeShape | undefined): string {
  return choiceKey(name, operation.parts.get('value') ?? {}, shape);
}

/** `deceased` with a valueBoolean is `deceasedBoolean`. */
function choiceKey(name: string, part: JsonObject, shape: TypeShape | undefined): string {
  if (shape?.slots.has(name)) return name;
  const suffix = Object.keys(part)
    .find((key) => /^value[A-Z]/.test(key))
    ?.slice('value'.length);
  const key = `${name}${suffix ?? ''}`;
  return suffix !== undefined && (shape?.slots.has(key) ?? name === 'value') ? key : name;
}

/** Replacing `value` by a value of another type changes the key: valueString becomes valueQuantity. */
function keyed(
  path: Path,
  operation: Operation,
  parentShape: TypeShape | undefined,
): { readonly from: Path; readonly to: Path } | Path {
  const key = path.at(-1);
  const slot = typeof key === 'string' ? parentShape?.slots.get(key) : undefined;
  if (!slot?.choice) return path;
  const wanted = keyFor(slot.element, operation, parentShape);
  return wanted === key ? path : { from: path, to: [...path.slice(0, -1), wanted] };
}

function nodeParent(resource: JsonObject, { path }: PathNode): TypeShape | undefined {
  const above = path.slice(0, typeof path.at(-1) === 'number' ? -2 : -1);
  return evaluate(
    resource,
    above.map((part) => (typeof part === 'number' ? { is: 'index', at: part } : { is: 'element', name: part })),
  )[0]?.shape;
}

function shapeOfNode({ shape }: PathNode): TypeShape | undefined {
  return shape;
}

function valueIn(node: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined), node);
}

function replaceAt(resource: JsonObject, path: Path | { readonly from: Path; readonly to: Path }, value: unknown): JsonObject {
  if ('from' in path) return replaceAt(removeAt(resource, path.from), path.to, value);
  return change(resource, path, 0, () => value) as JsonObject;
}

function change(node: unknown, path: Path, depth: number, make: () => unknown): unknown {
  const key = path[depth];
  if (key === undefined) return make();
  if (Array.isArray(node) && typeof key === 'number') return node.with(key, change(node[key], path, depth + 1, make));
  const object = isJsonObject(node) ? node : {};
  return { ...object, [key]: change(object[key], path, depth + 1, make) };
}

/** Removes an element, and the list it was the last item of: R4 knows no empty lists. */
function removeAt(resource: JsonObject, path: Path): JsonObject {
  const key = path.at(-1);
  const above = path.slice(0, -1);
  const parent = valueIn(resource, above);
  if (Array.isArray(parent) && typeof key === 'number')
    return parent.length === 1 ? removeAt(resource, above) : replaceAt(resource, above, parent.toSpliced(key, 1));
  if (!isJsonObject(parent) || key === undefined) return resource;
  const rest = Object.fromEntries(Object.entries(parent).filter(([name]) => name !== key && name !== `_${key}`));
  return above.length === 0 ? rest : replaceAt(resource, above, rest);
}

function failed({ index }: Operation, text: string): FhirError {
  return new FhirError('unprocessable', [
    error('processing', `Operation ${index} of the patch: ${text}.`, `Parameters.parameter[${index}]`),
  ]);
}
