/** Page cursors: the whole search and a position in it, encrypted, so that a link neither shows a patient's data nor can be changed. */
import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Position } from './sql.ts';

export interface Cursor {
  readonly resourceType: string | null;
  readonly compartment: string | null;
  readonly parameters: readonly (readonly [name: string, value: string])[];
  readonly position: Position | null;
}

const ivBytes = 12;
const tagBytes = 16;

export interface CursorCodec {
  write(cursor: Cursor): string;
  /** Undefined for anything that this gateway did not write. */
  read(text: string): Cursor | undefined;
}

export function cursorCodec(secret: string): CursorCodec {
  const key = hash('sha256', `page cursor\n${secret}`, 'buffer');
  return {
    write(cursor) {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      const body = Buffer.concat([cipher.update(deflateRawSync(JSON.stringify(cursor))), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
    },
    read(text) {
      if (!/^[A-Za-z0-9_-]{40,}$/.test(text)) return undefined;
      const whole = Buffer.from(text, 'base64url');
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, whole.subarray(0, ivBytes));
        decipher.setAuthTag(whole.subarray(ivBytes, ivBytes + tagBytes));
        const body = Buffer.concat([decipher.update(whole.subarray(ivBytes + tagBytes)), decipher.final()]);
        return JSON.parse(inflateRawSync(body).toString('utf8')) as Cursor; // authenticated: we wrote it
      } catch {
        return undefined;
      }
    },
  };
}
