/** Cuts a stream of NDJSON into lines without holding more than one of them. http://ndjson.org */
import type { Line } from './job.ts';

const newline = 0x0a;

/** Every line, empty ones included, so that numbers and offsets are those of the file. A line over the limit comes without its bytes. */
export async function* splitLines(stream: AsyncIterable<Buffer>, lineBytesMax: number): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let size = 0;
  let number = 1;
  let offset = 0;
  const take = (): Line => {
    const line =
      size > lineBytesMax
        ? { number, offset, bytes: Buffer.alloc(0), fault: tooLong(lineBytesMax) }
        : { number, offset, bytes: parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts) };
    number += 1;
    offset += size + 1;
    parts = [];
    size = 0;
    return line;
  };
  const add = (part: Buffer) => {
    size += part.length;
    if (size <= lineBytesMax) parts.push(part);
    else parts = [];
  };
  for await (const piece of stream) {
    let start = 0;
    for (let end = piece.indexOf(newline); end >= 0; end = piece.indexOf(newline, start)) {
      add(piece.subarray(start, end));
      yield take();
      start = end + 1;
    }
    if (start < piece.length) add(Buffer.from(piece.subarray(start)));
  }
  if (size > 0) yield take();
}

export function tooLong(lineBytesMax: number): string {
  return `The line is longer than ${lineBytesMax} bytes, the most that this gateway takes`;
}
