/** How lines and ledgers lie in the database: packed, as what is said of a million lines should be small. */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Line, LineOutcome } from './job.ts';

const pack = promisify<Buffer, { level: number }, Buffer>(gzip);
const unpack = promisify<Buffer, Buffer>(gunzip);

const separator = Buffer.from('\n');

/** Where lines are that do not follow from the ones before them, and what the splitter said of them. */
interface Places {
  readonly offsets?: readonly number[];
  readonly faults?: Readonly<Record<number, string>>;
}

export interface PackedLines {
  readonly body: Buffer;
  readonly places: Buffer | null;
}

export async function packLines(lines: readonly Line[]): Promise<PackedLines> {
  const faults: Record<number, string> = {};
  let inLine = true;
  let expected = lines[0]?.offset ?? 0;
  lines.forEach((line, index) => {
    if (line.fault !== undefined) faults[index] = line.fault;
    if (line.offset !== expected) inLine = false;
    expected = line.offset + line.bytes.length + 1;
  });
  const places: Places = {
    ...(inLine ? {} : { offsets: lines.map(({ offset }) => offset) }),
    ...(Object.keys(faults).length > 0 ? { faults } : {}),
  };
  const body = Buffer.concat(lines.flatMap(({ bytes }) => [bytes, separator]));
  return {
    body: await pack(body, { level: 1 }),
    places: Object.keys(places).length === 0 ? null : await pack(Buffer.from(JSON.stringify(places)), { level: 1 }),
  };
}

export async function unpackLines(packed: PackedLines, firstLine: number, firstOffset: number): Promise<Line[]> {
  const body = await unpack(packed.body);
  const places: Places = packed.places === null ? {} : JSON.parse((await unpack(packed.places)).toString());
  const lines: Line[] = [];
  let start = 0;
  for (let end = body.indexOf(separator); end >= 0; end = body.indexOf(separator, start)) {
    const index = lines.length;
    const fault = places.faults?.[index];
    const offset = places.offsets?.[index] ?? firstOffset + start;
    lines.push({
      number: firstLine + index,
      offset,
      bytes: body.subarray(start, end),
      ...(fault === undefined ? {} : { fault }),
    });
    start = end + 1;
  }
  return lines;
}

export async function packLedger(ledger: readonly LineOutcome[]): Promise<Buffer> {
  return pack(Buffer.from(JSON.stringify(ledger)), { level: 1 });
}

export async function unpackLedger(packed: Buffer): Promise<LineOutcome[]> {
  return JSON.parse((await unpack(packed)).toString());
}
