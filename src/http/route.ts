/** One row of the route table. */
import type { Interaction, Served } from '../interaction/interaction.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Route extends Served {
  readonly method: Method;
  /** Below the base URL. `:type` is a type of the registry, `:id` an id; other names go to the interaction as `path`. */
  readonly path: string;
  /** What the body holds: JSON, or form fields, which join the query parameters; `stream`: the interaction reads it itself. */
  readonly body: 'none' | 'json' | 'patch' | 'form' | 'stream';
  /** It answers with lines of resources, which a client may name in Accept. */
  readonly writes?: 'ndjson';
  readonly interaction: Interaction;
  /** What a 405 says beside the methods that there are. */
  readonly instead?: string;
}
