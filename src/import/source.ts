/** Who sends, and which id here its resources have. */
import { hash } from 'node:crypto';

/** `labor-nord`: it begins the ids of what the source sends. */
export const sourcePattern = /^[a-z][a-z0-9-]{0,19}$/;

export const sourceWords = 'a name of 1 to 20 small letters, digits and "-" that begins with a letter';

const idPattern = /^[A-Za-z0-9-][A-Za-z0-9\-.]*$/;

/**
 * The id here of a source's resource, which depends on nothing else: whoever refers to it knows it before it has come. The dot keeps it
 * apart from the ids of MediMax's own rows (`pt-7`) and from other sources'.
 */
export function localId(source: string, id: string): string {
  const readable = `${source}.${id}`;
  if (readable.length <= 64 && idPattern.test(id)) return readable;
  return `${source}..${hash('sha256', id, 'hex').slice(0, 40)}`;
}

/** Origin of the versions that a job makes. */
export function originOf(source: string, jobId: number): string {
  return `import:${source}:${jobId}`;
}

export function isOriginOf(source: string, origin: string): boolean {
  return origin.startsWith(`import:${source}:`);
}
