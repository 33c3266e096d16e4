/** Cuts a Bundle of any size into its entries without holding more than one of them. https://hl7.org/fhir/R4/bundle.html */
import { FhirError, fault } from '../fhir/outcome.ts';
import type { Line } from './job.ts';
import { tooLong } from './split-lines.ts';

const [quote, backslash, open, close, openList, closeList, comma, colon] = [...'"\\{}[],:'].map((sign) => sign.charCodeAt(0));
const [space, carriageReturn, newline, tab] = [0x20, 0x0d, 0x0a, 0x09];

/** Names and texts of the Bundle's own members are short; longer ones are not looked at. */
const scalarMax = 256;

const types: ReadonlySet<string> = new Set(['collection', 'batch', 'transaction', 'searchset', 'history', 'document', 'message']);

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
  let entry: { start: number; parts: Buffer[]; size: number } | null = null;

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
      } else if (byte === quote) {
        inString = true;
        text = '';
      } else if (byte === open || byte === openList) {
        if (ended || (depth === 0 && byte === openList)) throw notABundle('not one JSON object');
        if (depth === 1 && afterColon && key === 'entry' && byte === openList) inEntries = true;
        if (depth === 2 && inEntries && byte === open) {
          entry = { start: at + index, parts: [], size: 0 };
          from = index;
        }
        depth += 1;
      } else if (byte === close || byte === closeList) {
        depth -= 1;
        if (depth < 0) throw notABundle('not one JSON object');
        if (depth === 0) ended = true;
        if (depth === 2 && entry && byte === close) {
          const part = piece.subarray(from, index + 1);
          number += 1;
          const { start, parts, size } = entry;
          yield size + part.length > entryBytesMax
            ? { number, offset: start, bytes: Buffer.alloc(0), fault: tooLong(entryBytesMax) }
            : { number, offset: start, bytes: Buffer.concat([...parts, part]) };
          entry = null;
          from = -1;
        }
        if (depth === 1 && byte === closeList) inEntries = false;
      } else if (byte === colon) {
        if (depth === 1) afterColon = true;
      } else if (byte === comma) {
        if (depth === 1) afterColon = false;
      } else if (depth === 0 && byte !== space && byte !== tab && !(at === 0 && index < 3))
        throw notABundle('not one JSON object');
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

function notABundle(found: string): FhirError {
  return fault('malformed', 'structure', `The body is ${found}; a Bundle of type collection, batch or transaction was expected.`);
}
