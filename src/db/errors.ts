/** Database errors by number: what a client may be told, and what is worth another try. No SQL text ever leaves here. */
import { FhirError, fault, type IssueCode } from '../fhir/outcome.ts';

interface DatabaseError extends Error {
  readonly errno: number;
  readonly code: string;
  readonly sqlMessage?: string;
}

/** Client-caused errors: number → issue code and sentence. MariaDB and MySQL number some of them differently. */
const refusals: Readonly<Record<number, { kind: 'unprocessable' | 'conflict'; code: IssueCode; text: string }>> = {
  4025: { kind: 'unprocessable', code: 'business-rule', text: 'MediMax refuses these values: a rule of its table is violated' },
  3819: { kind: 'unprocessable', code: 'business-rule', text: 'MediMax refuses these values: a rule of its table is violated' },
  1048: { kind: 'unprocessable', code: 'required', text: 'MediMax needs a value that was not given' },
  1406: { kind: 'unprocessable', code: 'too-long', text: 'A text is longer than MediMax keeps' },
  1264: { kind: 'unprocessable', code: 'value', text: 'A value is outside what MediMax can hold' },
  1265: { kind: 'unprocessable', code: 'value', text: 'A value is not one that MediMax knows' },
  1292: { kind: 'unprocessable', code: 'value', text: 'A date or time is not one that MediMax can hold' },
  1366: { kind: 'unprocessable', code: 'value', text: 'A text has characters that MediMax cannot hold' },
  1451: { kind: 'conflict', code: 'conflict', text: 'Other records still refer to this one' },
  1452: { kind: 'unprocessable', code: 'not-found', text: 'A record this one refers to has just been deleted' },
  1062: { kind: 'conflict', code: 'duplicate', text: 'Somebody else has just created the same record' },
};

/** Lock wait time-out, deadlock, snapshot conflict, and the answer of a cluster node that lost a certification. */
const retryable: ReadonlySet<number> = new Set([1205, 1213, 1020, 1047]);

const connectionLost: ReadonlySet<string> = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'ER_SERVER_SHUTDOWN',
  'ER_CON_COUNT_ERROR',
]);

export function isDatabaseError(thrown: unknown): thrown is DatabaseError {
  return thrown instanceof Error && 'errno' in thrown && 'code' in thrown;
}

export function isRetryable(thrown: unknown): boolean {
  return isDatabaseError(thrown) && retryable.has(thrown.errno);
}

export function isDuplicate(thrown: unknown): boolean {
  return isDatabaseError(thrown) && thrown.errno === 1062;
}

export function isConnectionLost(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && connectionLost.has(String(thrown.code));
}

/** The one sentence for "not now": the client may come again. */
export function unavailable(cause: unknown, retryAfterS = 1): FhirError {
  const issue = {
    severity: 'error',
    code: 'transient',
    text: 'The database is busy or away. Nothing was changed; try again.',
  } as const;
  return new FhirError('unavailable', [issue], { cause, headers: { 'Retry-After': String(retryAfterS) } });
}

/** What to throw instead of a driver's error; bugs (unknown numbers) pass as they are. `expressionOf` names the element of a column. */
export function translate(thrown: unknown, expressionOf: (column: string) => string | undefined = () => undefined): unknown {
  if (!isDatabaseError(thrown)) return isConnectionLost(thrown) ? unavailable(thrown) : thrown;
  if (isRetryable(thrown) || isConnectionLost(thrown)) return unavailable(thrown);
  if (thrown.errno === 1969 || thrown.errno === 3024) {
    return new FhirError('unavailable', [{ severity: 'error', code: 'timeout', text: 'The database took too long.' }], {
      cause: thrown,
    });
  }
  const refusal = refusals[thrown.errno];
  if (!refusal) return thrown;
  const expression = expressionOf(nameIn(thrown.sqlMessage ?? ''));
  const known = fault(refusal.kind, refusal.code, refusal.text, expression);
  return new FhirError(refusal.kind, known.issues, { cause: thrown });
}

/** The column (or the constraint) that a message names between quotes or backticks. */
function nameIn(message: string): string {
  return (
    /column [`'](?:[^`']*\.)?([^`']+)[`']|CONSTRAINT [`'](?:[^`']*\.)?([^`']+)[`']/i.exec(message)?.slice(1).find(Boolean) ?? ''
  );
}
