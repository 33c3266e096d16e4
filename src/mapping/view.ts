/** A view: a mapping without rows of its own. Its resources are those of another mapping, shown as another type, and can only be read. */
import type { CodeTable } from './code-table.ts';

/** How a search parameter of the view is asked of what is viewed. */
export type ViewedParameter =
  /** Another name, or the same; values mean the same. */
  | { readonly as: string }
  /** Codes of the view's own; `codes` is from the viewed type's codes to the view's. */
  | { readonly as: string; readonly system: string; readonly codes: CodeTable; readonly viewedSystem: string }
  /** Everything the view shows has this one code. */
  | { readonly always: string; readonly system: string };

/**
 * Ids, versions, times and history of a view are those of the resource it shows; it has no row in fhir_resource, no triggers, no index.
 * So it is never in a search of the whole system, a chart or an export unless it is asked for by its type.
 */
export interface View<From = object, To = object> {
  readonly resourceType: string;
  readonly view: true;
  /** The resource type whose resources it shows. */
  readonly of: string;
  /** One sentence for the CapabilityStatement. */
  readonly documentation: string;
  readonly search: Readonly<Record<string, ViewedParameter>>;
  /** The content that is served, made of the viewed resource as served; id and the server's part of meta stay as they are. */
  toFhir(viewed: From): To;
}

/** Views differ in their FHIR types; outside of them all is JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the one place where typed views enter the untyped kit
export type AnyView = View<any, any>;

export function defineView<From, To>(view: View<From, To>): View<From, To> {
  return view;
}
