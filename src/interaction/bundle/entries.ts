/** The entries of a batch or transaction as requests: method, target, conditions. https://hl7.org/fhir/R4/bundle.html#transaction */
import { isJsonObject, type JsonObject } from '../../fhir/json.ts';
import { error, FhirError, type Issue } from '../../fhir/outcome.ts';
import { validate } from '../../fhir/validate.ts';

export type EntryMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';

export interface BundleEntry {
  readonly index: number;
  readonly fullUrl?: string;
  readonly method: EntryMethod;
  /** Below the base URL, without slashes at its ends: `Patient`, `Patient/pt-1`, `Patient/pt-1/_history`, ``. */
  readonly path: string;
  readonly query: string;
  readonly resource?: JsonObject;
  readonly ifNoneExist?: string;
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
  readonly ifModifiedSince?: string;
}

export interface RequestBundle {
  readonly type: 'batch' | 'transaction';
  readonly entries: readonly BundleEntry[];
}

/** @throws FhirError `malformed` when it is no batch or transaction, `unprocessable` when it is not a valid one, `too-large` */
export function parseBundle(body: unknown, baseUrl: string, entriesMax: number): RequestBundle {
  if (!isJsonObject(body) || body['resourceType'] !== 'Bundle')
    throw new FhirError('malformed', [
      error('structure', 'The body is not a Bundle; the base URL takes a batch or a transaction.', 'resourceType'),
    ]);
  const type = body['type'];
  if (type !== 'batch' && type !== 'transaction')
    throw new FhirError('malformed', [error('value', 'Bundle.type is neither batch nor transaction.', 'Bundle.type')]);
  const entries: readonly unknown[] = Array.isArray(body['entry']) ? body['entry'] : [];
  if (entries.length > entriesMax) {
    const text = `The Bundle has ${entries.length} entries; at most ${entriesMax} are taken.`;
    throw new FhirError('too-large', [error('too-costly', text, 'Bundle.entry')]);
  }
  const issues = validate(body, 'Bundle').filter(({ severity }) => severity === 'error' || severity === 'fatal');
  if (issues.length > 0) throw new FhirError('unprocessable', issues);
  return { type, entries: entries.map((entry, index) => entryOf(entry, index, baseUrl)) };
}

function entryOf(value: unknown, index: number, baseUrl: string): BundleEntry {
  const entry = isJsonObject(value) ? value : {};
  const request = isJsonObject(entry['request']) ? entry['request'] : {};
  const [path = '', query = ''] = splitOnce(below(text(request['url']) ?? '', baseUrl), '?');
  const optional = {
    fullUrl: text(entry['fullUrl']),
    resource: isJsonObject(entry['resource']) ? entry['resource'] : undefined,
    ifNoneExist: text(request['ifNoneExist'])?.replace(/^[^?]*\?/, ''),
    ifMatch: text(request['ifMatch']),
    ifNoneMatch: text(request['ifNoneMatch']),
    ifModifiedSince: text(request['ifModifiedSince']),
  };
  return {
    index,
    method: request['method'] as EntryMethod, // one of them: the binding is required and was validated
    path: path.replace(/^\/+|\/+$/g, ''),
    query,
    ...defined(optional),
  };
}

function below(url: string, baseUrl: string): string {
  return url === baseUrl || url.startsWith(`${baseUrl}/`) || url.startsWith(`${baseUrl}?`) ? url.slice(baseUrl.length) : url;
}

function splitOnce(whole: string, by: string): readonly string[] {
  const at = whole.indexOf(by);
  return at < 0 ? [whole] : [whole.slice(0, at), whole.slice(at + 1)];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function defined<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>;
  };
}

/** An issue of an entry, said from the Bundle: `Patient.gender` becomes `Bundle.entry[3].resource.gender`. */
export function ofEntry(issue: Issue, index: number): Issue {
  const at = `Bundle.entry[${index}]`;
  const expression = (issue.expression ?? ['']).map((one) => {
    const header = /^http\.(.+)$/.exec(one)?.[1];
    if (header !== undefined) return `${at}.request.${headerElements[header] ?? 'url'}`;
    if (/^[A-Z][A-Za-z]+(?:[.[]|$)/.test(one)) return `${at}.resource${one.replace(/^[A-Za-z]+/, '')}`;
    return one === '' ? at : `${at}.request.url`;
  });
  return { ...issue, expression };
}

const headerElements: Readonly<Record<string, string | undefined>> = {
  'If-Match': 'ifMatch',
  'If-None-Match': 'ifNoneMatch',
  'If-None-Exist': 'ifNoneExist',
  'If-Modified-Since': 'ifModifiedSince',
};
