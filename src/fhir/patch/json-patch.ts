/** JSON Patch on resources whose decimals keep their digits: all operations or none, the document itself is never changed. https://www.rfc-editor.org/rfc/rfc6902 */
import { isDecimal, isJsonObject, sameJson } from '../json.ts';
import { error, FhirError, type Issue } from '../outcome.ts';
import { sameNumber } from './same-number.ts';

const operations = ['add', 'remove', 'replace', 'move', 'copy', 'test'] as const;

type Operation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: Pointer; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: Pointer }
  | { readonly op: 'move' | 'copy'; readonly from: Pointer; readonly path: Pointer };

type Pointer = readonly string[];

/** Checks a patch document; what it gives applies it. @throws FhirError `malformed` with every operation that is none */
export function parseJsonPatch(patch: unknown): (document: unknown) => unknown {
  if (!Array.isArray(patch)) throw new FhirError('malformed', [error('structure', 'A JSON Patch is an array of operations.')]);
  const issues: Issue[] = [];
  const parsed = patch.map((one: unknown, index) => operationOf(one, index, issues));
  if (issues.length > 0) throw new FhirError('malformed', issues);
  return (document) =>
    parsed.reduce((changed: unknown, operation, index) => (operation ? apply(changed, operation, index) : changed), document);
}

function operationOf(one: unknown, index: number, issues: Issue[]): Operation | null {
  const refuse = (text: string): null => {
    issues.push(error('structure', `Operation ${index}: ${text}.`, `[${index}]`));
    return null;
  };
  if (!isJsonObject(one)) return refuse('is not an object');
  const op = operations.find((name) => name === one['op']);
  if (op === undefined) return refuse(`op is none of ${operations.join(', ')}`);
  const path = pointerOf(one['path']);
  if (path === null) return refuse('path is not a JSON Pointer');
  if (op === 'remove') return { op, path };
  if (op === 'move' || op === 'copy') {
    const from = pointerOf(one['from']);
    if (from === null) return refuse('from is not a JSON Pointer');
    const isInside = op === 'move' && path.length > from.length && from.every((token, at) => token === path[at]);
    return isInside ? refuse('a value cannot be moved into itself') : { op, from, path };
  }
  if (!('value' in one)) return refuse('value is missing');
  return { op, path, value: one['value'] };
}

/** https://www.rfc-editor.org/rfc/rfc6901 */
function pointerOf(text: unknown): Pointer | null {
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/')) || /~(?![01])/.test(text)) return null;
  return text
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function apply(document: unknown, operation: Operation, index: number): unknown {
  switch (operation.op) {
    case 'add':
      return put(document, operation.path, operation.value, index);
    case 'remove':
      return remove(document, operation.path, index);
    case 'replace':
      valueAt(document, operation.path, index);
      return operation.path.length === 0
        ? operation.value
        : changeAt(document, operation.path, index, (parent, key) => set(parent, key, operation.value));
    case 'move':
      return put(remove(document, operation.from, index), operation.path, valueAt(document, operation.from, index), index);
    case 'copy':
      return put(document, operation.path, valueAt(document, operation.from, index), index);
    case 'test':
      if (equal(valueAt(document, operation.path, index), operation.value)) return document;
      throw failed(index, `the test failed: ${shown(operation.path)} has another value`);
  }
}

function put(document: unknown, path: Pointer, value: unknown, index: number): unknown {
  if (path.length === 0) return value;
  return changeAt(document, path, index, (parent, key) => {
    if (!Array.isArray(parent)) return set(parent, key, value);
    const at = key === '-' ? parent.length : position(key);
    if (at === null || at > parent.length) throw failed(index, `${shown(path)} is no place of the list`);
    return parent.toSpliced(at, 0, value);
  });
}

function remove(document: unknown, path: Pointer, index: number): unknown {
  valueAt(document, path, index);
  if (path.length === 0) throw failed(index, 'the whole resource cannot be removed');
  return changeAt(document, path, index, (parent, key) => {
    if (Array.isArray(parent)) return parent.toSpliced(Number(key), 1);
    const { [key]: _removed, ...rest } = isJsonObject(parent) ? parent : {};
    return rest;
  });
}

function set(parent: unknown, key: string, value: unknown): unknown {
  if (Array.isArray(parent)) return parent.with(Number(key), value);
  return isJsonObject(parent)
    ? Object.fromEntries([...Object.entries(parent).filter(([name]) => name !== key), [key, value]])
    : parent;
}

/** A copy of what leads to the parent of `path`, with the parent changed. */
function changeAt(
  node: unknown,
  path: Pointer,
  index: number,
  change: (parent: unknown, key: string) => unknown,
  depth = 0,
): unknown {
  const key = path[depth] ?? '';
  if (!Array.isArray(node) && !isJsonObject(node))
    throw failed(index, `there is nothing at ${shown(path.slice(0, depth))} to hold it`);
  if (depth === path.length - 1) return change(node, key);
  const child = childOf(node, key);
  if (child === undefined) throw failed(index, `there is nothing at ${shown(path.slice(0, depth + 1))}`);
  return set(node, key, changeAt(child, path, index, change, depth + 1));
}

function valueAt(document: unknown, path: Pointer, index: number): unknown {
  return path.reduce<unknown>((node, token) => {
    const child = childOf(node, token);
    if (child === undefined) throw failed(index, `there is nothing at ${shown(path)}`);
    return child;
  }, document);
}

function childOf(node: unknown, token: string): unknown {
  if (Array.isArray(node)) {
    const at = position(token);
    return at === null ? undefined : node[at];
  }
  return isJsonObject(node) && Object.hasOwn(node, token) ? node[token] : undefined;
}

function position(token: string): number | null {
  return /^(?:0|[1-9][0-9]{0,8})$/.test(token) ? Number(token) : null;
}

/** Section 4.6: numbers are equal when their values are, so 6.30 passes a test for 6.3. */
function equal(a: unknown, b: unknown): boolean {
  if (isDecimal(a) && isDecimal(b)) return sameNumber(a, b);
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, at) => equal(item, b[at]));
  if (!isJsonObject(a) || !isJsonObject(b)) return sameJson(a, b);
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
}

function shown(path: Pointer): string {
  return JSON.stringify(`/${path.join('/')}`.slice(0, 128));
}

function failed(index: number, text: string): FhirError {
  return new FhirError('unprocessable', [error('processing', `Operation ${index} of the patch: ${text}.`, `[${index}]`)]);
}
