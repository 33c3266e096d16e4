/** Whether a code is one, and its display the right one. */

export interface Verdict {
  readonly display?: string | undefined;
  /** Absent: the code is valid. */
  readonly message?: string | undefined;
}

export function verdict(
  found: { readonly code: string; readonly display?: string | undefined } | undefined,
  display: string | undefined,
  notFound: string,
): Verdict {
  if (found === undefined) return { message: notFound };
  const right = found.display ?? found.code;
  if (display === undefined || display.toLowerCase() === right.toLowerCase()) return { display: right };
  return { display: right, message: `The display of ${found.code} is ${JSON.stringify(right)}.` };
}
