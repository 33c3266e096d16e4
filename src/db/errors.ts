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

/** What keeps the database from taking a statement for now. No statement is at fault: the same one may pass later. */
export type Hindrance = 'away' | 'busy' | 'slow' | 'full' | 'read-only';

interface Told {
  readonly code: IssueCode;
  readonly text: string;
  readonly retryAfterS: number;
}

const away: Told = { code: 'transient', text: 'The database is busy or away. Nothing was changed; try again.', retryAfterS: 1 };

/** What a client is told of it. */
const tellings: Readonly<Record<Hindrance, Told>> = {
  away,
  busy: away,
  slow: { code: 'timeout', text: 'The database took too long.', retryAfterS: 2 },
  full: {
    code: 'no-store',
    text: 'The disk of the database is full. Nothing was changed; try again when its operator has made room.',
    retryAfterS: 60,
  },
  'read-only': {
    code: 'transient',
    text: 'The database takes no changes for now. Nothing was changed; try again.',
    retryAfterS: 5,
  },
};

/** Lock wait time-out, deadlock, snapshot conflict, and the answer of a cluster node that lost a certification. */
const retryable: ReadonlySet<number> = new Set([1205, 1213, 1020, 1047]);

/** A statement that ran longer than it may, in MariaDB and in MySQL. */
const slow: ReadonlySet<number> = new Set([1969, 3024]);

/** Of a server that stops, that kills a connection or a statement, or that has too many connections. */
const goodbyes: ReadonlySet<number> = new Set([1040, 1053, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1226, 1317, 1927, 4031]);

/** No room on a disk, or in a tablespace or table that may not grow any more. */
const full: ReadonlySet<number> = new Set([20, 1021, 1114]);

/** Of files and engines, for many reasons: the reason is in the message, as the operating system numbers it (28, 122: disk, quota). */
const withReason: ReadonlySet<number> = new Set([1, 3, 1004, 1026, 1030, 1180, 1878]);
const fullReason = /\b(?:errno|errcode|error):? "?(?:28|122|135)\b|no space left|quota exceeded/i;

/** On the former primary after a failover, and in an InnoDB that takes no changes. */
const readOnly: ReadonlySet<number> = new Set([1036, 1792, 1836, 1874]);

const connectionLost: ReadonlySet<string> = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ECONNRESET',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
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

/** The connection is of no use any more. `fatal` is what the driver says of one that it has given up, without a code of its own. */
export function isConnectionLost(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  if ('fatal' in thrown && thrown.fatal === true) return true;
  if ('code' in thrown && connectionLost.has(String(thrown.code))) return true;
  return isDatabaseError(thrown) && goodbyes.has(thrown.errno);
}

export function isReadOnly(thrown: unknown): boolean {
  if (!isDatabaseError(thrown)) return false;
  // 1290 names whichever option of the server forbids the statement.
  return readOnly.has(thrown.errno) || (thrown.errno === 1290 && /read[-_]only/i.test(thrown.sqlMessage ?? ''));
}

function isFull(thrown: DatabaseError): boolean {
  return full.has(thrown.errno) || (withReason.has(thrown.errno) && fullReason.test(thrown.sqlMessage ?? ''));
}

/** What keeps the database from doing it for now, of an error of the driver or of what `unavailable` has made of it. */
export function hindranceOf(thrown: unknown): Hindrance | undefined {
  if (thrown instanceof FhirError) return thrown.kind === 'unavailable' ? (hindranceOf(thrown.cause) ?? 'busy') : undefined;
  if (isConnectionLost(thrown)) return 'away';
  if (isRetryable(thrown)) return 'busy';
  if (isReadOnly(thrown)) return 'read-only';
  if (!isDatabaseError(thrown)) return undefined;
  if (slow.has(thrown.errno)) return 'slow';
  return isFull(thrown) ? 'full' : undefined;
}

/** "Not now": the client may come again. */
export function unavailable(cause: unknown, retryAfterS?: number): FhirError {
  const { code, text, retryAfterS: usual } = tellings[hindranceOf(cause) ?? 'busy'];
  const headers = { 'Retry-After': String(retryAfterS ?? usual) };
  return new FhirError('unavailable', [{ severity: 'error', code, text }], { cause, headers });
}

/** What to throw instead of a driver's error; bugs (unknown numbers) pass as they are. `expressionOf` names the element of a column. */
export function translate(thrown: unknown, expressionOf: (column: string) => string | undefined = () => undefined): unknown {
  if (thrown instanceof FhirError) return thrown;
  if (hindranceOf(thrown)) return unavailable(thrown);
  if (!isDatabaseError(thrown)) return thrown;
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
