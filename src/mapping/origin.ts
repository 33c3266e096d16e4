/** Who made a version, as `meta.source` says it. https://hl7.org/fhir/R4/resource-definitions.html#Meta.source */
import type { Env } from './types.ts';

/** `https://medimax.example/fhir#medimax`, `…#client`, `…#import:7:120`. */
export function sourceOf(origin: string, env: Pick<Env, 'canonicalBase'>): string {
  return `${env.canonicalBase}#${origin.replace(/[^\w:./-]/g, '_')}`;
}

/** True for what only the gateway says: a client that sends it back has said nothing. */
export function isOurSource(source: unknown, env: Pick<Env, 'canonicalBase'>): boolean {
  return typeof source === 'string' && source.startsWith(`${env.canonicalBase}#`);
}
