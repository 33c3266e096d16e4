/** One ajv validator per served resource type, over HL7's JSON schema: loaded from generated/validators, or compiled on the spot. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import schema from './definitions/schema.json' with { type: 'json' };
import { resourceTypes } from './structure.ts';

/** What ajv says of the first place where the JSON is not as the schema wants it. */
export interface SchemaError {
  readonly instancePath: string;
  readonly message?: string;
}
export interface SchemaValidator {
  (resource: unknown): boolean;
  readonly errors?: readonly SchemaError[] | null;
}

const folder = new URL('../../generated/validators/', import.meta.url);
const moduleUrl = new URL('index.js', folder);
const stampUrl = new URL('stamp', folder);

/** Raise it when the way of compiling changes, so that every checkout compiles anew. */
const compilerVersion = 1;

function stamp(): string {
  const inputs = JSON.stringify([compilerVersion, schema, resourceTypes]);
  return createHash('sha256').update(inputs).digest('hex');
}

function isBuilt(): boolean {
  return existsSync(moduleUrl) && existsSync(stampUrl) && readFileSync(stampUrl, 'utf8') === stamp();
}

function compiler(source: boolean): Ajv {
  const ajv = new Ajv({
    strict: true,
    strictRequired: false,
    loopEnum: Number.POSITIVE_INFINITY,
    allowUnionTypes: true,
    validateFormats: false,
    code: { source, esm: true },
  });
  return ajv.addSchema({ $id: 'r4', definitions: schema });
}

/** Writes generated/validators unless it is up to date; says whether it wrote. Takes about a second. */
export function buildValidators(): boolean {
  if (isBuilt()) return false;
  const ajv = compiler(true);
  const code = standalone.default(ajv, Object.fromEntries(resourceTypes.map((type) => [type, `r4#/definitions/${type}`])));
  mkdirSync(folder, { recursive: true });
  // Renamed into place, as another process may be reading or building too; the stamp last.
  put(moduleUrl, code);
  put(stampUrl, stamp());
  return true;
}

function put(url: URL, text: string): void {
  const draft = new URL(`${url.href}.${process.pid}`);
  writeFileSync(draft, text);
  renameSync(draft, url);
}

/** The validators by resource type. Without an up-to-date build they are compiled in memory, which costs the start about a second. */
export async function loadValidators(): Promise<ReadonlyMap<string, SchemaValidator>> {
  if (!isBuilt()) {
    const ajv = compiler(false);
    return new Map(resourceTypes.map((type) => [type, required(ajv.getSchema(`r4#/definitions/${type}`))]));
  }
  const built: Readonly<Record<string, SchemaValidator>> = await import(moduleUrl.href);
  return new Map(resourceTypes.map((type) => [type, required(built[type])]));
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('generated/validators lacks a type; delete the folder and build again');
  return value;
}
