/** The Parameters of an import by URLs. https://github.com/smart-on-fhir/bulk-import/blob/master/import-manifest.md */
import { hash } from 'node:crypto';
import { error, FhirError, type Issue } from '../fhir/outcome.ts';
import type { FileKind } from '../import/job.ts';
import { isObject, type JsonObject } from '../mapping/lift.ts';

export interface UrlImport {
  readonly inputSource: string;
  readonly kind: FileKind;
  readonly urls: readonly string[];
}

/** What a client may call each format. */
const formats: Readonly<Record<string, FileKind>> = {
  'application/fhir+ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/x-ndjson': 'ndjson',
  ndjson: 'ndjson',
  'application/fhir+json': 'bundle',
};

const words = ['valueCode', 'valueString'];
const addresses = ['valueUrl', 'valueUri'];

interface Form {
  /** What its value may be; absent where it has parts. */
  readonly values?: readonly string[];
  readonly parts?: Readonly<Record<string, Form>>;
  readonly min: 0 | 1;
  readonly many?: boolean;
}

const form: Readonly<Record<string, Form>> = {
  inputFormat: { values: words, min: 1 },
  inputSource: { values: addresses, min: 1 },
  storageDetail: {
    min: 0,
    parts: { type: { values: words, min: 1 }, contentEncoding: { values: words, min: 0, many: true } },
  },
  input: { min: 1, many: true, parts: { type: { values: words, min: 1 }, url: { values: addresses, min: 1 } } },
};

/** @throws FhirError with every fault at once */
export function readUrlImport(parameters: JsonObject): UrlImport {
  const issues: Issue[] = [];
  for (const name of Object.keys(parameters)) {
    if (!['resourceType', 'id', 'meta', 'language', 'implicitRules', 'parameter'].includes(name))
      issues.push(error('structure', `Parameters has no element ${name}.`, `Parameters.${name}`));
  }
  const found = checked(parameters['parameter'], form, 'Parameters.parameter', issues);
  if (issues.length > 0) throw new FhirError('malformed', issues);

  const inputFormat = soleValue(found, 'inputFormat');
  const kind = formats[inputFormat];
  if (!kind) {
    const known = Object.keys(formats).filter((name) => name.includes('fhir+'));
    issues.push(error('not-supported', `inputFormat is ${known.join(' or ')}.`, found.get('inputFormat')?.[0]?.path));
  }
  const inputSource = soleValue(found, 'inputSource');
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:\S+$/.test(inputSource))
    issues.push(error('value', 'inputSource is an absolute URI.', found.get('inputSource')?.[0]?.path));
  for (const { parts } of found.get('storageDetail') ?? []) {
    const [type] = parts.get('type') ?? [];
    if (type?.value !== 'https')
      issues.push(error('not-supported', 'The only type of storage is https: files that a GET returns.', type?.path));
    for (const { value, path } of parts.get('contentEncoding') ?? []) {
      if (value !== 'gzip' && value !== 'identity')
        issues.push(error('not-supported', 'contentEncoding is gzip or identity; either is told from the answer.', path));
    }
  }
  const urls = (found.get('input') ?? []).map(({ parts }) => {
    const [type] = parts.get('type') ?? [];
    if (!/^[A-Z][A-Za-z]{1,63}$/.test(type?.value ?? ''))
      issues.push(error('code-invalid', 'type is a resource type, such as Patient.', type?.path));
    const [url] = parts.get('url') ?? [];
    const address = url?.value ?? '';
    if (!/^https?:\/\//i.test(address) || !URL.canParse(address) || new URL(address).username || new URL(address).password)
      issues.push(error('value', 'url is an absolute http or https URL without name and password.', url?.path));
    return address;
  });
  if (issues.length > 0 || !kind) throw new FhirError('unprocessable', issues);
  return { inputSource, kind, urls: urls.map((url) => new URL(url).href) };
}

/** The name of a source that its URI gives, always the same: for clients that give no name. */
export function sourceNameOf(inputSource: string): string {
  return `s-${hash('sha256', inputSource.replace(/\/+$/, ''), 'hex').slice(0, 16)}`;
}

interface Found {
  readonly value: string;
  readonly path: string;
  readonly parts: ReadonlyMap<string, readonly Found[]>;
}

function checked(
  list: unknown,
  allowed: Readonly<Record<string, Form>>,
  path: string,
  issues: Issue[],
): ReadonlyMap<string, readonly Found[]> {
  const found = new Map<string, Found[]>();
  for (const [index, one] of (Array.isArray(list) ? list : []).entries()) {
    const at = `${path}[${index}]`;
    const name = isObject(one) ? one['name'] : undefined;
    const rule = typeof name === 'string' && Object.hasOwn(allowed, name) ? allowed[name] : undefined;
    if (!isObject(one) || typeof name !== 'string' || !rule) {
      const what = typeof name === 'string' ? `There is no ${name} here` : 'Each has a name';
      issues.push(error('not-supported', `${what}; known are ${Object.keys(allowed).join(', ')}.`, at));
      continue;
    }
    const known = ['name', 'id', ...(rule.parts ? ['part'] : (rule.values ?? []))];
    const strange = Object.keys(one).filter((key) => !known.includes(key));
    for (const key of strange)
      issues.push(error('structure', `${name} has ${known.slice(2).join(' or ')}, not ${key}.`, `${at}.${key}`));
    const [value] = (rule.values ?? []).flatMap((key) => (typeof one[key] === 'string' && one[key] !== '' ? [one[key]] : []));
    if (rule.values && value === undefined && strange.length === 0)
      issues.push(error('required', `${name} has a text as ${rule.values.join(' or ')}.`, at));
    const parts = rule.parts ? checked(one['part'], rule.parts, `${at}.part`, issues) : new Map<string, Found[]>();
    found.set(name, [...(found.get(name) ?? []), { value: value ?? '', path: at, parts }]);
  }
  for (const [name, { min, many }] of Object.entries(allowed)) {
    const count = found.get(name)?.length ?? 0;
    if (count < min) issues.push(error('required', `${name} is missing.`, path));
    if (count > 1 && !many) issues.push(error('structure', `${name} is given once.`, path));
  }
  return found;
}

function soleValue(found: ReadonlyMap<string, readonly Found[]>, name: string): string {
  return found.get(name)?.[0]?.value ?? '';
}
