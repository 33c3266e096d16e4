/** Reads the body of a request: a limit in bytes, gzip or none, nothing else. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { createGunzip, type Gunzip, gunzip } from 'node:zlib';
import { error, FhirError, fault } from '../fhir/outcome.ts';
import { isGzip } from './content.ts';

/** The client went away before its request was complete; there is nobody to answer. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

/** Read on and thrown away after the limit, because a client that is still sending does not see the answer. */
const discardBytesMax = 16 * 1024 * 1024;

const inflate = promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip);

/** @throws FhirError `too-large`, `unsupported-media-type`, `malformed`; ClientGone */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const compressed = isGzip(request.headers['content-encoding']);
  if (Number(request.headers['content-length'] ?? 0) > bytesMax + discardBytesMax) throw tooLarge(bytesMax);
  const bytes = await collect(request, bytesMax);
  return compressed ? await inflateWithin(bytes, bytesMax) : bytes;
}

/**
 * The body as it comes, unpacked. Who reads it slowly slows the client down.
 * @throws FhirError `too-large`, `unsupported-media-type`, `malformed`; ClientGone
 */
export async function* streamBody(request: IncomingMessage, bytesMax: number): AsyncGenerator<Buffer> {
  const compressed = isGzip(request.headers['content-encoding']);
  let size = 0;
  try {
    for await (const piece of compressed ? unpackedAsItComes(request) : request) {
      size += piece.length;
      if (size > bytesMax) throw tooLarge(bytesMax);
      yield piece;
    }
  } catch (thrown) {
    if (thrown instanceof FhirError) throw thrown;
    if (request.destroyed && !request.complete) throw new ClientGone();
    if (compressed && thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('Z_')) throw notGzip();
    throw thrown;
  }
}

function unpackedAsItComes(request: IncomingMessage): Gunzip {
  if (request.destroyed) throw new ClientGone();
  const gunzip = createGunzip();
  // A pipe alone waits for ever when the client goes away.
  request.once('close', () => {
    if (!request.complete) gunzip.destroy(new ClientGone());
  });
  return request.pipe(gunzip);
}

function collect(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= bytesMax) chunks.push(chunk);
      else {
        chunks = [];
        if (size > bytesMax + discardBytesMax) {
          request.pause();
          reject(tooLarge(bytesMax));
        }
      }
    });
    let ended = false;
    request.on('end', () => {
      ended = true;
      if (size > bytesMax) reject(tooLarge(bytesMax));
      else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size));
    });
    // Every request closes in the end; an error, with its stack, is made only where it closes too early.
    const gone = () => {
      if (!ended) reject(new ClientGone());
    };
    request.on('error', gone);
    request.on('close', gone);
  });
}

async function inflateWithin(bytes: Buffer, bytesMax: number): Promise<Buffer> {
  try {
    return await inflate(bytes, { maxOutputLength: bytesMax });
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytesMax);
    throw notGzip();
  }
}

function notGzip(): FhirError {
  return fault(
    'malformed',
    'structure',
    'The body is not valid gzip, although Content-Encoding says so.',
    'http.Content-Encoding',
  );
}

function tooLarge(bytesMax: number): FhirError {
  const text = `The body is larger than ${bytesMax} bytes (after decompression), the most that this gateway takes.`;
  return new FhirError('too-large', [error('too-long', text)], { headers: { Connection: 'close' } });
}
