/** The log: one JSON line an event, preformatted, without patient data. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** What may stand in a log line. Objects are not accepted, so that no resource or row slips in. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined | Error>>;

/** Each method takes the event's fixed name and its fields: `log.info('listening', { url })`. */
export interface Log {
  readonly debug: (event: string, fields?: LogFields) => void;
  readonly info: (event: string, fields?: LogFields) => void;
  readonly warn: (event: string, fields?: LogFields) => void;
  readonly error: (event: string, fields?: LogFields) => void;
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** A log that writes the lines of `level` and above; `write` takes a whole line with its newline. */
export function createLog(level: LogLevel, write: (line: string, urgent: boolean) => void = gatheredWriter(process.stdout)): Log {
  const method = (own: LogLevel) => {
    if (levels.indexOf(own) < levels.indexOf(level)) return () => {};
    const urgent = own === 'warn' || own === 'error';
    return (event: string, fields: LogFields = {}) => write(formatLine(own, event, fields), urgent);
  };
  return { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error') };
}

/** Lines of so many milliseconds are written together. */
const gatherMs = 10;

/** Gathers lines, as a write to a file or pipe costs more than all the rest of a line. Warnings and errors take those before them along at once. */
function gatheredWriter(stream: { write(text: string): unknown }): (line: string, urgent: boolean) => void {
  let pending = '';
  const flush = () => {
    const lines = pending;
    pending = '';
    if (lines !== '') stream.write(lines);
  };
  process.once('exit', flush);
  return (line, urgent) => {
    if (pending === '' && !urgent) setTimeout(flush, gatherMs);
    pending += line;
    if (urgent) flush();
  };
}

function formatLine(level: LogLevel, event: string, fields: LogFields): string {
  let line = `{"time":"${timeNow()}","level":"${level}","event":${textOf(event)}`;
  for (const key in fields) {
    const value = fields[key];
    if (value === undefined) continue;
    line += `,"${key}":${typeof value === 'string' ? textOf(value) : value instanceof Error ? formatError(value) : JSON.stringify(value)}`;
  }
  return `${line}}\n`;
}

/** Most texts need no escaping. */
const harmless = /^[ !#-[\]-~]*$/;

function textOf(text: string): string {
  return harmless.test(text) ? `"${text}"` : JSON.stringify(text);
}

let lastMs = 0;
let lastTime = '';

function timeNow(): string {
  const now = Date.now();
  if (now !== lastMs) {
    lastMs = now;
    lastTime = new Date(now).toISOString();
  }
  return lastTime;
}

function formatError(error: Error, depth = 0): string {
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  const parts = [`"name":${JSON.stringify(error.name)}`];
  if (typeof code === 'string' || typeof code === 'number') parts.push(`"code":${JSON.stringify(code)}`);
  if (typeof errno === 'number') parts.push(`"errno":${errno}`);
  if (!quotesInput(error)) parts.push(`"message":${JSON.stringify(error.message)}`);
  const frames = error.stack?.slice(error.stack.search(/\n\s+at /)).trim();
  if (frames?.startsWith('at ')) parts.push(`"stack":${JSON.stringify(frames)}`);
  if (error.cause instanceof Error && depth < 3) parts.push(`"cause":${formatError(error.cause, depth + 1)}`);
  return `{${parts.join(',')}}`;
}

/** Messages of database errors, JSON errors and outcomes repeat values, hence perhaps a patient's: name, code and stack must do. */
function quotesInput(error: Error): boolean {
  return 'sqlMessage' in error || 'sql' in error || error.name === 'SyntaxError' || error.name === 'FhirError';
}
