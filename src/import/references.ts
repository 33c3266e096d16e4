/** What the references of a source's resource mean here, and how they are written then. https://hl7.org/fhir/R4/references.html */
import type { Reference } from 'fhir/r4.js';
import { forEachReference, parseReference } from '../fhir/references.ts';
import type { JsonObject } from '../mapping/lift.ts';
import { localId } from './source.ts';

export type Meaning =
  /** A resource of the source's own. */
  | { readonly kind: 'own'; readonly type: string; readonly id: string; readonly version?: string }
  /** A resource of the source's own whose type is not said. */
  | { readonly kind: 'urn'; readonly id: string }
  /** A resource of this server. */
  | { readonly kind: 'ours'; readonly text: string; readonly version?: string }
  | { readonly kind: 'identified'; readonly type: string; readonly system: string; readonly value: string }
  /** Any other conditional reference; the query is null where it asks for more than an identifier, in the source's own words. */
  | { readonly kind: 'searched'; readonly type: string; readonly text: string; readonly query: string | null }
  /** No literal reference: it stays as it is, and whoever needs the key asks for the identifier. */
  | { readonly kind: 'identifier'; readonly system: string; readonly value: string }
  | { readonly kind: 'elsewhere' };

export interface Mention {
  readonly reference: Reference;
  readonly expression: string;
  readonly meaning: Meaning;
}

export interface Bases {
  /** Of this server. */
  readonly here: string;
  /** Of the source, where it is known. */
  readonly theirs: readonly string[];
}

/** Every reference of the resource that means something to an import; contained ones are the resource's own business. */
export function mentionsIn(resource: JsonObject, bases: Bases): readonly Mention[] {
  const mentions: Mention[] = [];
  forEachReference(resource, (reference, expression) => {
    if (typeof reference.reference !== 'string') {
      const { system, value } = reference.identifier ?? {};
      if (system !== undefined && value !== undefined && /\.(subject|patient|actor)$/.test(expression))
        mentions.push({ reference, expression, meaning: { kind: 'identifier', system, value } });
      return;
    }
    const meaning = meaningOf(reference.reference, bases);
    if (meaning) mentions.push({ reference, expression, meaning });
  });
  return mentions;
}

function meaningOf(text: string, { here, theirs }: Bases): Meaning | null {
  const parsed = parseReference(text);
  if (!parsed || parsed.kind === 'contained') return null;
  const versioned = 'version' in parsed ? { version: parsed.version } : {};
  if (parsed.kind === 'relative') return { kind: 'own', type: parsed.type, id: parsed.id, ...versioned };
  if (parsed.kind === 'urn') return { kind: 'urn', id: parsed.urn.replace(/^urn:(?:uuid|oid):/i, '') };
  if (parsed.kind === 'conditional') return identifiedBy(parsed.type, parsed.query);
  if (parsed.type !== undefined && parsed.id !== undefined && parsed.base !== undefined) {
    if (parsed.base === here) return { kind: 'ours', text: `${parsed.type}/${parsed.id}`, ...versioned };
    if (theirs.includes(parsed.base)) return { kind: 'own', type: parsed.type, id: parsed.id, ...versioned };
  }
  return { kind: 'elsewhere' };
}

/** `Patient?identifier=system|value`: an identifier is what an import finds a resource by, patients all of a chunk at once. */
function identifiedBy(type: string, query: string): Meaning {
  const parameters = new URLSearchParams(query);
  const token = parameters.get('identifier');
  const text = `${type}?${query}`;
  if (token === null || [...parameters.keys()].length !== 1) return { kind: 'searched', type, text, query: null };
  const bar = token.indexOf('|');
  if (type !== 'Patient' || bar <= 0) return { kind: 'searched', type, text, query };
  return { kind: 'identified', type, system: token.slice(0, bar), value: token.slice(bar + 1) };
}

/** What is known of the resources that lines and references name. */
export interface Directory {
  /** Type and id here; null id: a type without a table. Undefined: it has not come yet. */
  own(type: string, id: string): { readonly type: string; readonly id: string | null } | undefined;
  urn(id: string): { readonly type: string; readonly id: string | null } | undefined;
  identified(type: string, system: string, value: string): { readonly type: string; readonly id: string } | undefined;
  searched(text: string): { readonly type: string; readonly id: string } | undefined;
}

export interface Rewriting {
  readonly source: string;
  /** Absolute base for resources of the source that are not kept here. */
  readonly sourceBase: string;
  isServed(type: string): boolean;
  /** True when nothing is waited for any more: a patient is then written as one whom nobody else knows. */
  readonly last: boolean;
}

export interface Rewritten {
  /** References whose target must come first. */
  readonly missing: readonly { readonly text: string; readonly expression: string }[];
  /** References to resources that may still come; their id here is known beforehand. */
  readonly open: readonly (readonly [type: string, id: string])[];
  /** References that have lost their version: those of the source are not ours, and of ours the reference follows the resource. */
  readonly unversioned: readonly { readonly version: string; readonly expression: string }[];
}

/** Writes the references in place as they are here. */
export function rewrite(
  mentions: readonly Mention[],
  directory: Directory,
  { source, sourceBase, isServed, last }: Rewriting,
): Rewritten {
  const missing: { text: string; expression: string }[] = [];
  const open: [string, string][] = [];
  const unversioned: { version: string; expression: string }[] = [];
  const point = (reference: Reference, type: string, id: string | null, theirs: string) => {
    reference.reference = id === null ? `${sourceBase}/${type}/${theirs}` : `${type}/${id}`;
  };
  for (const { reference, expression, meaning } of mentions) {
    const absent = () => missing.push({ text: reference.reference ?? '', expression });
    const version = meaning.kind === 'own' || meaning.kind === 'ours' ? meaning.version : undefined;
    if (meaning.kind === 'ours') {
      reference.reference = meaning.text;
      if (version !== undefined) unversioned.push({ version, expression });
    } else if (meaning.kind === 'own') {
      const { type, id } = meaning;
      if (version !== undefined && isServed(type)) unversioned.push({ version, expression });
      const found = isServed(type) ? directory.own(type, id) : { type, id: null };
      const theirs = version === undefined ? id : `${id}/_history/${version}`;
      if (found) point(reference, found.type, found.id, theirs);
      else if (type === 'Patient' && !last) {
        absent(); // whoever it is, it may be somebody known under another id
      } else {
        open.push([type, localId(source, id)]);
        point(reference, type, localId(source, id), id);
      }
    } else if (meaning.kind === 'urn') {
      const found = directory.urn(meaning.id);
      if (found) point(reference, found.type, found.id, meaning.id);
      else absent();
    } else if (meaning.kind === 'identified' || meaning.kind === 'searched') {
      const found =
        meaning.kind === 'identified'
          ? directory.identified(meaning.type, meaning.system, meaning.value)
          : directory.searched(meaning.text);
      if (found) reference.reference = `${found.type}/${found.id}`;
      else if (isServed(meaning.type)) absent();
    }
  }
  return { missing, open, unversioned };
}
