/** Files that are gzip are unpacked, whatever they are called: no line and no JSON begins like that. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

/** `notWhole`: what is thrown when it begins like gzip and is none, or ends early. */
export async function* unpacked(stream: AsyncIterable<Buffer>, notWhole: () => Error): AsyncGenerator<Buffer> {
  const pieces = stream[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < 2) {
    const { done, value } = await pieces.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  const all = async function* () {
    try {
      if (head.length > 0) yield head;
      for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value;
    } finally {
      await pieces.return?.();
    }
  };
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    yield* all();
    return;
  }
  const gunzip = createGunzip();
  const piping = pipeline(Readable.from(all()), gunzip);
  piping.catch(() => undefined); // reading says it too
  try {
    for await (const piece of gunzip) yield piece;
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    throw code.startsWith('Z_') ? notWhole() : thrown;
  }
}
