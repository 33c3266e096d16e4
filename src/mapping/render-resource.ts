/** A record as the resource that is served: type, id, meta and content in the specification's order of elements. */
import type { CompiledVariant, Overlay } from './compile.ts';
import { isObject, type JsonObject } from './lift.ts';
import { renderContent } from './render.ts';
import type { Env, Stored } from './types.ts';

export interface Rendered {
  readonly id: string;
  readonly variant: CompiledVariant;
  readonly version: number;
  readonly lastUpdated: string;
  readonly refined: number;
  readonly overlay: Overlay | null;
  readonly stored: Stored | null;
}

/** @throws Error when the record is deleted, which has no content. */
export function renderResource(record: Rendered, env: Env): JsonObject {
  const { variant, stored } = record;
  if (!stored) throw new Error(`${variant.resourceType}/${record.id} is deleted`);
  const content = renderContent(variant, stored, record.overlay, record.refined, env);
  const said = isObject(content['meta']) ? content['meta'] : {};
  const meta = { versionId: String(record.version), lastUpdated: record.lastUpdated, ...said };
  return { resourceType: variant.resourceType, id: record.id, meta, ...inOrder(content, variant) };
}

function inOrder(content: JsonObject, _variant: CompiledVariant): JsonObject {
  const { meta: _meta, ...rest } = content;
  return rest;
}
