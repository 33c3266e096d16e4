/** Walks a resource against R4's structure and the rules of FHIR JSON, and says everything that is wrong. https://hl7.org/fhir/R4/json.html */
import { brokenInvariants } from './invariants/index.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { nameOf, primitiveFault, quoted } from './primitives.ts';
import { allResourceTypes } from './references.ts';
import { type Slot, shapeOf, type TypeShape } from './structure.ts';
import { type Check, checkConcept, checkReference, checkValue, issuesMax, report } from './value-checks.ts';
import { listed, nearest } from './wording.ts';

/** A resource, backbone element or datatype that should have this shape. */
export function checkObject(check: Check, value: unknown, shape: TypeShape, path: string): void {
  if (!isJsonObject(value)) {
    report(check, 'structure', path, `must be an object (${shape.name}), not ${nameOf(value)}`);
    return;
  }
  let members = 0;
  let chosen: Map<string, Slot> | undefined;
  for (const key in value) {
    if (key === 'resourceType' && shape.resource) continue;
    if (value[key] === undefined) continue;
    members++;
    const base = key.charCodeAt(0) === 0x5f ? key.slice(1) : key;
    const slot = shape.slots.get(base);
    if (!slot || (base !== key && !slot.extensible)) {
      reportUnknown(check, key, shape, path);
      continue;
    }
    if (slot.choice) {
      const other = chosen?.get(slot.element);
      if (other && other !== slot) reportSecondChoice(check, slot, other, path);
      chosen ??= new Map();
      chosen.set(slot.element, slot);
    }
    const childPath = `${path}.${slot.element}`;
    if (!slot.primitive) checkComplex(check, value[key], slot, childPath);
    else if (base === key) checkPrimitive(check, value[key], value[`_${key}`], slot, childPath);
    else if (!(base in value)) checkPrimitive(check, undefined, value[key], slot, childPath);
  }
  if (members === 0 && !shape.resource) report(check, 'structure', path, 'is an empty object; leave it out instead');
  for (const alternatives of shape.mandatory) {
    if (!alternatives.some((slot) => value[slot.key] !== undefined || value[`_${slot.key}`] !== undefined)) {
      const [first] = alternatives;
      report(
        check,
        'required',
        `${path}.${first?.element}`,
        `is missing; it is mandatory${alternatives.length > 1 ? `, as ${listed(alternatives.map((slot) => slot.key))}` : ''}`,
      );
    }
  }
  for (const invariant of brokenInvariants(shape.name, value, check)) {
    if (check.issues.length >= issuesMax) break;
    const at = invariant.element === undefined ? path : `${path}.${invariant.element}`;
    check.issues.push({
      severity: invariant.severity,
      code: 'invariant',
      text: `${at}: ${invariant.text} (${invariant.key}).`,
      expression: [at],
    });
  }
}

function reportUnknown(check: Check, key: string, shape: TypeShape, path: string): void {
  const choices = [...shape.slots.values()].filter((slot) => slot.choice && slot.element === key);
  const closest = nearest(key, shape.slots.keys());
  const advice =
    choices.length > 0
      ? `; write ${listed(choices.map((slot) => slot.key))}`
      : closest === undefined
        ? ''
        : `; did you mean ${closest}?`;
  report(check, 'structure', `${path}.${simpleName(key)}`, `is no element of ${shape.name} in R4${advice}`);
}

/** The name for an expression; the client may have sent anything as a key. */
function simpleName(key: string): string {
  if (/^\w{1,64}$/.test(key)) return key;
  return `\`${key.slice(0, 64).replace(/[`\\]/g, '\\$&')}\``;
}

function reportSecondChoice(check: Check, slot: Slot, other: Slot, path: string): void {
  report(
    check,
    'structure',
    `${path}.${slot.element}`,
    `is given twice, as ${other.key} and as ${slot.key}; only one is allowed`,
  );
}

function checkComplex(check: Check, value: unknown, slot: Slot, path: string): void {
  if (!slot.many) {
    checkOne(check, value, slot, path);
    return;
  }
  if (!Array.isArray(value)) {
    report(check, 'structure', path, `must be an array, not ${nameOf(value)}; put it in [ ]`);
    return;
  }
  if (value.length === 0) report(check, 'structure', path, 'is an empty array; leave it out instead');
  for (let i = 0; i < value.length && check.issues.length < issuesMax; i++) checkOne(check, value[i], slot, `${path}[${i}]`);
}

function checkOne(check: Check, value: unknown, slot: Slot, path: string): void {
  if (slot.type === 'Resource') {
    checkInner(check, value, slot, path);
    return;
  }
  const shape = shapeOf(slot.type);
  if (!shape) throw new Error(`no shape for ${slot.type}`);
  checkObject(check, value, shape, path);
  if (!isJsonObject(value)) return;
  if (slot.type === 'Reference') checkReference(check, value, slot, path);
  if (slot.codes && slot.type === 'CodeableConcept') checkConcept(check, value, slot.codes, path);
}

/** Contained resources are checked in full; those of Bundles and Parameters where their interaction takes them out. */
function checkInner(check: Check, value: unknown, slot: Slot, path: string): void {
  if (!isJsonObject(value)) {
    report(check, 'structure', path, `must be a resource, not ${nameOf(value)}`);
    return;
  }
  const type = value['resourceType'];
  if (typeof type !== 'string' || !allResourceTypes.has(type)) {
    const written =
      typeof type === 'string' ? `is ${quoted(type)}, which is no R4 resource type` : 'is missing; every resource names its type';
    report(check, 'structure', `${path}.resourceType`, written);
    return;
  }
  if (slot.element !== 'contained') return;
  const shape = shapeOf(type);
  if (shape) checkObject(check, value, shape, path);
  else checkUnknownResource(check, value, path);
}

const extensionShape = shapeOf('Extension');
const narrativeShape = shapeOf('Narrative');
const elementShape = shapeOf('Element');

/** A resource of a type whose structure the gateway does not know: the rules of FHIR JSON, its extensions and its narrative. */
function checkUnknownResource(check: Check, node: JsonObject, path: string): void {
  const text = node['text'];
  if (narrativeShape && isJsonObject(text)) checkObject(check, text, narrativeShape, `${path}.text`);
  checkUnknown(check, text === undefined ? node : { ...node, text: undefined }, path);
}

function checkUnknown(check: Check, node: JsonObject, path: string): void {
  const entries = Object.entries(node).filter(([, value]) => value !== undefined);
  if (entries.length === 0) report(check, 'structure', path, 'is an empty object; leave it out instead');
  for (const [key, value] of entries) {
    const childPath = `${path}.${simpleName(key.replace(/^_/, ''))}`;
    const sibling = node[key.startsWith('_') ? key.slice(1) : `_${key}`];
    if (Array.isArray(value)) {
      if (value.length === 0) report(check, 'structure', childPath, 'is an empty array; leave it out instead');
      value.forEach((item: unknown, index) => {
        const paired = Array.isArray(sibling) && sibling[index] !== undefined && sibling[index] !== null;
        if (item !== null || !paired) checkUnknownValue(check, item, key, `${childPath}[${index}]`);
      });
    } else checkUnknownValue(check, value, key, childPath);
  }
}

function checkUnknownValue(check: Check, value: unknown, key: string, path: string): void {
  if (value === null) report(check, 'structure', path, 'is null; leave it out instead');
  else if (typeof value === 'string') {
    const fault = primitiveFault('string', value);
    if (fault && fault.code !== 'too-long') report(check, fault.code, path, fault.text);
  } else if (Array.isArray(value)) report(check, 'structure', path, 'is an array within an array, which FHIR does not know');
  else if (isJsonObject(value)) {
    if (extensionShape && (key === 'extension' || key === 'modifierExtension')) checkObject(check, value, extensionShape, path);
    else checkUnknown(check, value, path);
  }
}

/** A primitive and its `_` sibling; arrays of them speak by position. */
function checkPrimitive(check: Check, value: unknown, sibling: unknown, slot: Slot, path: string): void {
  if (!slot.many) {
    checkPair(check, value, sibling, slot, path);
    return;
  }
  for (const [key, list] of [
    [slot.key, value],
    [`_${slot.key}`, sibling],
  ] as const) {
    if (list === undefined) continue;
    if (Array.isArray(list) && list.length > 0) continue;
    const found = Array.isArray(list)
      ? 'is an empty array; leave it out instead'
      : `must be an array, not ${nameOf(list)}; put it in [ ]`;
    report(check, 'structure', path, `(${key}) ${found}`);
    return;
  }
  const values: readonly unknown[] = Array.isArray(value) ? value : [];
  const siblings: readonly unknown[] = Array.isArray(sibling) ? sibling : [];
  if (value !== undefined && sibling !== undefined && values.length !== siblings.length) {
    report(
      check,
      'structure',
      path,
      `has ${values.length} values but ${siblings.length} in _${slot.key}; fill the shorter one up with null`,
    );
  }
  const length = Math.max(values.length, siblings.length);
  for (let i = 0; i < length && check.issues.length < issuesMax; i++) {
    const one = values[i] ?? undefined;
    const other = siblings[i] ?? undefined;
    if (one === undefined && other === undefined)
      report(check, 'structure', `${path}[${i}]`, 'is null without an extension beside it; leave it out instead');
    else checkPair(check, one, other, slot, `${path}[${i}]`);
  }
}

function checkPair(check: Check, value: unknown, sibling: unknown, slot: Slot, path: string): void {
  if (value === null || sibling === null) report(check, 'structure', path, 'is null; leave it out instead');
  else if (value !== undefined) checkValue(check, value, slot, path);
  if (sibling === undefined || sibling === null || !elementShape) return;
  checkObject(check, sibling, elementShape, path);
  if (value === undefined && isJsonObject(sibling) && sibling['extension'] === undefined && sibling['id'] !== undefined) {
    report(check, 'invariant', path, 'has neither a value nor an extension (ele-1)');
  }
}
