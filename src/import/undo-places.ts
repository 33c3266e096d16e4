/** The resources that lines of a chunk may have written. */
import type { Chunk, Job, LineOutcome } from './job.ts';
import { addressKey, findOwn } from './look-up.ts';
import { isParsed, parseLine } from './parse-line.ts';
import type { ImportParts } from './parts.ts';

const writes: ReadonlySet<LineOutcome['s']> = new Set(['created', 'updated', 'merged']);
/** A worker that died may have written the resource before it could say so. */
const mayHaveWritten: ReadonlySet<LineOutcome['s']> = new Set(['pending', 'waiting', 'failed']);

export interface Place {
  readonly index: number;
  readonly type: string;
  readonly id: string;
}

/** The last line first. `patients`: these alone, or all others. */
export async function placesOf(given: ImportParts, job: Job, chunk: Chunk, patients: boolean): Promise<readonly Place[]> {
  const { store, registry, config } = given;
  const places: Place[] = [];
  const unsaid: Place[] = [];
  const isServed = (type: string) => registry.get(type) !== undefined;
  chunk.lines.forEach((line, index) => {
    const { s, t, id } = chunk.ledger?.[index] ?? { s: 'pending' };
    if (writes.has(s) && t !== undefined && id !== undefined) places.push({ index, type: t, id });
    if (!mayHaveWritten.has(s)) return;
    const parsed = parseLine(index, line, chunk.kind, { depthMax: config.limits.jsonDepthMax, isServed });
    if (isParsed(parsed) && isServed(parsed.type)) unsaid.push({ index, type: parsed.type, id: parsed.id });
  });
  const { own } = await findOwn(store.session, job.source, unsaid, [], registry.resourceTypes);
  const seen = new Set(places.map(({ type, id }) => addressKey(type, id)));
  for (const { index, type, id: theirs } of unsaid) {
    const id = own.get(addressKey(type, theirs))?.id;
    if (id !== undefined && !seen.has(addressKey(type, id))) places.push({ index, type, id });
  }
  return places.filter(({ type }) => (type === 'Patient') === patients).sort((a, b) => b.index - a.index);
}
