/** Cuts a Bundle of any size into its entries without holding more than one of them. https://hl7.org/fhir/R4/bundle.html */
import { FhirError, fault } from '../fhir/outcome.ts';
import type { Line } from './job.ts';
import { tooLong } from './split-lines.ts';

const [quote, backslash, open, close, openList, closeList, comma, colon] = [...'"\\{}[],:'].map((sign) => sign.charCodeAt(0));
const [space, carriageReturn, newline, tab] = [0x20, 0x0d, 0x0a, 0x09];
const byteOrderMark = [0xef, 0xbb, 0xbf];

/** Names and texts of the Bundle's own members are short; longer ones are not looked at. */
const scalarMax = 256;

const types: ReadonlySet<string> = new Set(['collection', 'batch', 'transaction', 'searchset', 'history', 'document', 'message']);

interface Entry {
  readonly start: number;
  parts: Buffer[];
  size: number;
}

/**
 * The items of the top-level `entry` as lines (a resource that is no Bundle is one line); line breaks between tokens become spaces, so that nothing moves.
 * @throws FhirError `malformed` for what is no JSON object in outline, or no Bundle. The entries themselves are looked at later.
 */
export async function* splitBundle(stream: AsyncIterable<Buffer>, entryBytesMax: number): AsyncGenerator<Line> {
  let depth = 0;
  let inString = false;
  let escaped = false;
  let text = '';
  let key = '';
  let afterColon = false;
  let inEntries = false;
  let ended = false;
  let resourceType = '';
  let bundleType = '';
  let at = 0;
  let whole: Buffer[] = [];
  let number = 0;
  let entry: Entry | null = null;

  for await (const given of stream) {
    let from = entry ? 0 : -1;
    let piece = given;
    for (let index = 0; index < piece.length; index += 1) {
      const byte = piece[index];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) {
          inString = false;
          if (depth === 1 && afterColon && key === 'resourceType') resourceType = text;
          if (depth === 1 && afterColon && key === 'type') bundleType = text;
          if (resourceType === 'Bundle' && bundleType !== '' && !types.has(bundleType))
            throw notABundle(`a Bundle of type ${bundleType}`);
          if (depth === 1 && !afterColon) key = text;
        } else if (depth === 1 && text.length < scalarMax && byte !== undefined) text += String.fromCharCode(byte);
        continue;
      }
      if (byte === newline || byte === carriageReturn) {
        if (entry) {
          if (piece === given) piece = Buffer.from(given);
          piece[index] = space ?? 0x20;
        }
        continue;
      }
      if (byte === space || byte === tab) continue;
      if (depth === 0 && (byte !== open || ended)) {
        if (byte === byteOrderMark[at + index]) continue;
        throw notABundle('not one JSON object');
      }
      const endsScalar = depth === 2 && (byte === comma || byte === closeList);
      if (depth === 2 && inEntries && !entry && !endsScalar) {
        entry = { start: at + index, parts: [], size: 0 };
        from = index;
      }
      const isScalar = entry !== null && endsScalar;
      if (isScalar || (depth === 3 && entry && (byte === close || byte === closeList))) {
        const part = piece.subarray(from, isScalar ? index : index + 1);
        number += 1;
        yield lineOf(number, entry, part, entryBytesMax);
        entry = null;
        from = -1;
      }
      if (byte === quote) {
        inString = true;
        text = '';
      } else if (byte === open || byte === openList) {
        if (depth === 1 && afterColon && key === 'entry' && byte === openList)
          inEntries = resourceType === '' || resourceType === 'Bundle'; // a List has entries too
        depth += 1;
      } else if (byte === close || byte === closeList) {
        depth -= 1;
        if (depth === 0) ended = true;
        if (depth === 1 && byte === closeList) inEntries = false;
      } else if (byte === colon) {
        if (depth === 1) afterColon = true;
      } else if (byte === comma) {
        if (depth === 1) afterColon = false;
      }
    }
    if (entry) {
      const rest = piece.subarray(from);
      entry.size += rest.length;
      if (entry.size > entryBytesMax) entry.parts = [];
      else entry.parts.push(Buffer.from(rest));
    }
    at += given.length;
    if (resourceType === 'Bundle' || at > entryBytesMax) whole = [];
    else whole.push(Buffer.from(given));
  }
  if (!ended)
    throw new FhirError('malformed', fault('malformed', 'incomplete', 'The Bundle ends before its last bracket.').issues);
  if (resourceType === '') throw notABundle('a JSON object without resourceType');
  if (resourceType === 'Bundle') return;
  const bytes = Buffer.concat(whole);
  for (let index = 0; index < bytes.length; index += 1) {
    if (bytes[index] === newline || bytes[index] === carriageReturn) bytes[index] = space ?? 0x20;
  }
  yield at > entryBytesMax
    ? { number: 1, offset: 0, bytes: Buffer.alloc(0), fault: tooLong(entryBytesMax) }
    : { number: 1, offset: 0, bytes };
}

function lineOf(number: number, entry: Entry | null, part: Buffer, entryBytesMax: number): Line {
  const { start, parts, size } = entry ?? { start: 0, parts: [], size: 0 };
  return size + part.length > entryBytesMax
    ? { number, offset: start, bytes: Buffer.alloc(0), fault: tooLong(entryBytesMax) }
    : { number, offset: start, bytes: Buffer.concat([...parts, part]) };
}

function notABundle(found: string): FhirError {
  return fault('malformed', 'structure', `The body is ${found}; a Bundle of type collection, batch or transaction was expected.`);
}
