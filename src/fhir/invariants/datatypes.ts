/** The invariants of datatypes. https://hl7.org/fhir/R4/datatypes.html */

import { isJsonObject, type JsonObject } from '../json.ts';
import type { Invariant } from './invariant.ts';
import { certainlyAfter, has, hasChoice, implies, list, number, text } from './reading.ts';

const ucum = 'http://unitsofmeasure.org';

const quantityTypes = ['Quantity', 'SimpleQuantity', 'Age', 'Count', 'Distance', 'Duration'];

function codeNeedsSystem(type: string): Invariant {
  return {
    key: 'qty-3',
    type,
    severity: 'error',
    element: 'code',
    text: 'a code for a unit needs the system it is from',
    test: (quantity) => implies(has(quantity, 'code'), has(quantity, 'system')),
  };
}

/** Age, Count and Distance: a value needs a code, and a system can only be UCUM. */
function measure(quantity: JsonObject): boolean {
  return (
    implies(has(quantity, 'value'), has(quantity, 'code')) && implies(has(quantity, 'system'), text(quantity, 'system') === ucum)
  );
}

function lowAfterHigh(range: JsonObject): boolean {
  const low = number(range['low'], 'value');
  const high = number(range['high'], 'value');
  // In different units they cannot be compared here.
  const sameUnit =
    text(range['low'], 'code') === text(range['high'], 'code') && text(range['low'], 'unit') === text(range['high'], 'unit');
  return low !== undefined && high !== undefined && sameUnit && low > high;
}

export const datatypeInvariants: readonly Invariant[] = [
  {
    key: 'ext-1',
    type: 'Extension',
    severity: 'error',
    text: 'an extension has either extensions or a value[x], and not both',
    test: (extension) => has(extension, 'extension') !== hasChoice(extension, 'value'),
  },
  {
    key: 'ref-1',
    type: 'Reference',
    severity: 'error',
    element: 'reference',
    text: 'no contained resource has this id',
    test: (reference, scope) => {
      const target = text(reference, 'reference');
      return target === undefined || !target.startsWith('#') || target === '#' || scope.containedIds.has(target.slice(1));
    },
  },
  {
    key: 'per-1',
    type: 'Period',
    severity: 'error',
    text: 'the start must not be after the end',
    test: (period) => {
      const start = text(period, 'start');
      const end = text(period, 'end');
      return start === undefined || end === undefined || !certainlyAfter(start, end);
    },
  },
  ...quantityTypes.map(codeNeedsSystem),
  {
    key: 'sqty-1',
    type: 'SimpleQuantity',
    severity: 'error',
    element: 'comparator',
    text: 'no comparator is allowed here',
    test: (quantity) => !has(quantity, 'comparator'),
  },
  {
    key: 'age-1',
    type: 'Age',
    severity: 'error',
    text: 'an age needs a positive value with a code of UCUM',
    test: (age) => measure(age) && (number(age, 'value') ?? 1) > 0,
  },
  { key: 'dis-1', type: 'Distance', severity: 'error', text: 'a distance needs a code of UCUM', test: measure },
  {
    key: 'cnt-3',
    type: 'Count',
    severity: 'error',
    text: 'a count is a whole number with the code 1 of UCUM',
    test: (count) =>
      measure(count) && implies(has(count, 'code'), text(count, 'code') === '1') && Number.isInteger(number(count, 'value') ?? 0),
  },
  {
    key: 'drt-1',
    type: 'Duration',
    severity: 'error',
    text: 'a code for a unit of time is one of UCUM and needs a value',
    test: (duration) => implies(has(duration, 'code'), text(duration, 'system') === ucum && has(duration, 'value')),
  },
  {
    key: 'rat-1',
    type: 'Ratio',
    severity: 'error',
    text: 'a ratio has both numerator and denominator, or neither and an extension',
    test: (ratio) =>
      has(ratio, 'numerator') === has(ratio, 'denominator') && (has(ratio, 'numerator') || has(ratio, 'extension')),
  },
  {
    key: 'rng-2',
    type: 'Range',
    severity: 'error',
    text: 'low must not be greater than high',
    test: (range) => !lowAfterHigh(range),
  },
  {
    key: 'att-1',
    type: 'Attachment',
    severity: 'error',
    element: 'contentType',
    text: 'an attachment with data says of which content type they are',
    test: (attachment) => implies(has(attachment, 'data'), has(attachment, 'contentType')),
  },
  {
    key: 'cpt-2',
    type: 'ContactPoint',
    severity: 'error',
    element: 'system',
    text: 'a value needs a system: phone, fax, email, pager, url, sms or other',
    test: (point) => implies(has(point, 'value'), has(point, 'system')),
  },
  {
    key: 'exp-1',
    type: 'Expression',
    severity: 'error',
    text: 'an expression or a reference to one is needed',
    test: (expression) => has(expression, 'expression') || has(expression, 'reference'),
  },
  ...[['drq-1', 'DataRequirement.codeFilter'] as const, ['drq-2', 'DataRequirement.dateFilter'] as const].map(
    ([key, type]): Invariant => ({
      key,
      type,
      severity: 'error',
      text: 'either a path or a searchParam is needed, and not both',
      test: (filter) => has(filter, 'path') !== has(filter, 'searchParam'),
    }),
  ),
  {
    key: 'trd-1',
    type: 'TriggerDefinition',
    severity: 'error',
    text: 'either timing or data, not both',
    test: (trigger) => !(has(trigger, 'data') && hasChoice(trigger, 'timing')),
  },
  {
    key: 'trd-2',
    type: 'TriggerDefinition',
    severity: 'error',
    text: 'a condition needs data',
    test: (trigger) => implies(has(trigger, 'condition'), has(trigger, 'data')),
  },
  {
    key: 'trd-3',
    type: 'TriggerDefinition',
    severity: 'error',
    text: 'a named event needs a name, a periodic one a timing, a data event its data',
    test: (trigger) => {
      const type = text(trigger, 'type') ?? '';
      if (type === 'named-event') return has(trigger, 'name');
      if (type === 'periodic') return hasChoice(trigger, 'timing');
      return implies(type.startsWith('data-'), has(trigger, 'data'));
    },
  },
];

function repeatRule(key: string, element: string, says: string, test: (repeat: JsonObject) => boolean): Invariant {
  return { key, type: 'Timing.repeat', severity: 'error', element, text: says, test };
}

const mealCodes = new Set(['C', 'CM', 'CD', 'CV']);

export const timingInvariants: readonly Invariant[] = [
  repeatRule('tim-1', 'durationUnit', 'a duration needs its unit', (repeat) =>
    implies(has(repeat, 'duration'), has(repeat, 'durationUnit')),
  ),
  repeatRule('tim-2', 'periodUnit', 'a period needs its unit', (repeat) =>
    implies(has(repeat, 'period'), has(repeat, 'periodUnit')),
  ),
  repeatRule('tim-4', 'duration', 'the duration must not be negative', (repeat) => (number(repeat, 'duration') ?? 0) >= 0),
  repeatRule('tim-5', 'period', 'the period must not be negative', (repeat) => (number(repeat, 'period') ?? 0) >= 0),
  repeatRule('tim-6', 'period', 'periodMax needs a period', (repeat) => implies(has(repeat, 'periodMax'), has(repeat, 'period'))),
  repeatRule('tim-7', 'duration', 'durationMax needs a duration', (repeat) =>
    implies(has(repeat, 'durationMax'), has(repeat, 'duration')),
  ),
  repeatRule('tim-8', 'count', 'countMax needs a count', (repeat) => implies(has(repeat, 'countMax'), has(repeat, 'count'))),
  repeatRule('tim-9', 'offset', 'an offset needs a when, and none of the meal codes C, CM, CD and CV', (repeat) => {
    const codes = list(repeat, 'when');
    return implies(
      has(repeat, 'offset'),
      has(repeat, 'when') && !codes.some((code) => typeof code === 'string' && mealCodes.has(code)),
    );
  }),
  repeatRule(
    'tim-10',
    'timeOfDay',
    'either timeOfDay or when, not both',
    (repeat) => !(has(repeat, 'timeOfDay') && has(repeat, 'when')),
  ),
];

/** ele-1 for objects; primitives are seen to where they are checked. */
export function onlyId(node: unknown): boolean {
  return isJsonObject(node) && node['id'] !== undefined && Object.keys(node).length === 1;
}
