/** What an invariant of R4 is here: a plain function with its name, place and words. https://hl7.org/fhir/R4/conformance-rules.html#constraints */
import type { JsonObject } from '../json.ts';

/** What an invariant may look at beside its own node. */
export interface InvariantScope {
  /** The resource as it was sent, outermost. */
  readonly root: JsonObject;
  /** The ids of its contained resources. */
  readonly containedIds: ReadonlySet<string>;
}

export interface Invariant {
  /** R4's name for it, such as obs-6. */
  readonly key: string;
  /** The type or backbone element it holds for: `Period`, `Patient.contact`, `Observation`. */
  readonly type: string;
  readonly severity: 'error' | 'warning';
  /** The element of the node to point at; the node itself when absent. */
  readonly element?: string;
  /** The rule, for people. */
  readonly text: string;
  /** Whether the node keeps the rule. Must not throw, whatever the node holds. */
  readonly test: (node: JsonObject, scope: InvariantScope) => boolean;
}
