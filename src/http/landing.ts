/** What `/` says to those who come by with a browser: where things are. */
import type { Reply } from './exchange.ts';

export function landing(software: { readonly name: string; readonly version: string }, baseUrl: string): Reply {
  const body = {
    ...software,
    fhirVersion: '4.0.1',
    fhir: baseUrl,
    capabilities: `${baseUrl}/metadata`,
    live: '/livez',
    ready: '/readyz',
  };
  return { status: 200, headers: {}, body };
}
