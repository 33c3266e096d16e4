/** One request header as one text. */
import type { RequestHeaders } from './interaction.ts';

/** Several headers of one name are one comma-separated list (RFC 9110, section 5.2). Undefined where absent. */
export function header(headers: RequestHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.join(', ');
}
