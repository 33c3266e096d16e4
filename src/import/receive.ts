/** Takes files in: a stream becomes packed chunks in the database, so that after the 202 nothing depends on this process or its disk. */
import type { ChunkSink } from './chunk-sink.ts';
import type { FileKind, Line } from './job.ts';
import { packLines } from './packing.ts';
import { splitBundle } from './split-bundle.ts';
import { splitLines } from './split-lines.ts';

export interface ChunkLimits {
  readonly lineBytesMax: number;
  readonly chunkLinesMax: number;
  /** A chunk ends with the line that passes this. */
  readonly chunkBytesMax: number;
}

export interface Incoming {
  readonly name: string;
  readonly kind: FileKind;
  /** Unpacked. */
  readonly stream: AsyncIterable<Buffer>;
}

/** A reader gives the lines of a stream; further formats join here. */
const readers: Readonly<Record<FileKind, (stream: AsyncIterable<Buffer>, lineBytesMax: number) => AsyncIterable<Line>>> = {
  ndjson: splitLines,
  bundle: splitBundle,
};

/** Adds a file to a job that is being received; chunk numbers go on from `firstChunk`. Returns the next one and the number of lines. */
export async function receiveFile(
  store: ChunkSink,
  jobId: number,
  fileNo: number,
  firstChunk: number,
  file: Incoming,
  limits: ChunkLimits,
  onProgress: (bytes: number) => void = () => {},
): Promise<{ readonly nextChunk: number; readonly lines: number }> {
  await store.addFile(jobId, fileNo, file.name, file.kind);
  let chunkNo = firstChunk;
  let lines: Line[] = [];
  let bytes = 0;
  let total = 0;
  let seen = 0;
  let saving: Promise<void> = Promise.resolve();
  const flush = async () => {
    const first = lines[0];
    if (!first) return;
    const chunk = {
      jobId,
      no: chunkNo,
      fileNo,
      firstLine: first.number,
      firstOffset: first.offset,
      lineCount: lines.length,
    };
    const full = lines;
    chunkNo += 1;
    lines = [];
    bytes = 0;
    await saving; // one chunk is packed and saved while the next is read
    saving = packLines(full).then((packed) => store.addChunk(chunk, packed));
    saving.catch(() => {}); // seen when it is awaited
    onProgress(seen);
  };
  for await (const line of readers[file.kind](file.stream, limits.lineBytesMax)) {
    lines.push(line);
    bytes += line.bytes.length;
    total += 1;
    seen = line.offset + line.bytes.length + 1;
    if (lines.length >= limits.chunkLinesMax || bytes >= limits.chunkBytesMax) await flush();
  }
  await flush();
  await saving;
  await store.sealFile(jobId, fileNo, total, seen);
  return { nextChunk: chunkNo, lines: total };
}
