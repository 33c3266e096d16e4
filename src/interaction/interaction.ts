/** What an interaction is: plain request in, plain response out; no Express, no sockets. https://hl7.org/fhir/R4/http.html */
import type { CodeMap } from '../../mappings/terminology/declared.ts';
import type { Config } from '../config.ts';
import type { Chart } from '../db/chart.ts';
import type { History } from '../db/history.ts';
import type { Inspection } from '../db/inspection.ts';
import type { Repository } from '../db/repository.ts';
import type { SearchStore } from '../db/search-store.ts';
import type { ImportDesk } from '../import/desk.ts';
import type { Log } from '../log.ts';
import type { JsonObject } from '../mapping/lift.ts';
import type { Registry } from '../mapping/registry.ts';
import type { Env } from '../mapping/types.ts';
import type { CursorCodec } from '../search/cursor.ts';
import type { SearchSettings } from '../search/parse.ts';
import type { Terminology } from '../terminology/store.ts';

/** Header names in lower case, as Node gives them. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface InteractionRequest {
  readonly method: string;
  /** Absent at system level. Always a type of the registry: others never get this far. */
  readonly resourceType?: string | undefined;
  /** As the client wrote it: not yet checked. */
  readonly id?: string | undefined;
  /** Further parts of the path by name: `version`, `compartment`, … */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: RequestHeaders;
  /** Parsed JSON of the body (decimals keep their digits); undefined where the route takes none. */
  readonly body?: unknown;
  /** The body as it comes, unpacked, where the route leaves reading it to the interaction. */
  readonly stream?: AsyncIterable<Buffer> | undefined;
  /** Under which the client reaches the gateway, without a trailing slash: `https://example.org/fhir`. */
  readonly baseUrl: string;
  readonly requestId: string;
  /** Milliseconds since the epoch after which nothing may be tried again. */
  readonly deadline: number;
}

export interface InteractionResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The resource to send. */
  readonly body?: JsonObject;
  /** The resource as ready JSON text, where it is cheaper to have; sent as it is unless the client wants it pretty. */
  readonly text?: string;
  /** For what may be long and is no resource: its media type, and its bytes as they are made. */
  readonly stream?: { readonly type: string; readonly bytes: AsyncIterable<Buffer> };
}

/** The words of https://hl7.org/fhir/R4/valueset-type-restful-interaction.html and -system-restful-interaction.html. */
export type InteractionCode =
  | 'read'
  | 'vread'
  | 'update'
  | 'patch'
  | 'delete'
  | 'history-instance'
  | 'history-type'
  | 'create'
  | 'search-type'
  | 'transaction'
  | 'batch'
  | 'search-system'
  | 'history-system';

/** What else a route can be: listed elsewhere in the CapabilityStatement, or not at all. */
export type OtherCode =
  | 'capabilities'
  | 'operation'
  | 'search-compartment'
  | 'conditional-create'
  | 'conditional-update'
  | 'conditional-delete';

export type Level = 'system' | 'type' | 'instance';

/** One thing that is served, for the CapabilityStatement. */
export interface Served {
  readonly level: Level;
  /** The one type this is for, where it is none of the registry; absent: all types of the registry. */
  readonly resourceType?: string;
  /** What the CapabilityStatement says of that type. */
  readonly documentation?: string;
  /** Its search parameters, where they are not all of HL7's for the type. */
  readonly searchedBy?: readonly string[];
  readonly codes: readonly (InteractionCode | OtherCode)[];
  /** For operations: name without `$` and the canonical URL of its definition (our own: below the canonical base). Types it is offered for; absent: all. */
  readonly operation?: { readonly name: string; readonly definition: string; readonly types?: readonly string[] };
}

/** A search parameter as the CapabilityStatement lists it. */
export interface SearchParameterClaim {
  readonly name: string;
  readonly type: string;
  readonly definition?: string;
  readonly documentation?: string;
}

/** What searches are made with. */
export interface SearchParts {
  readonly store: SearchStore;
  readonly cursors: CursorCodec;
  /** The installation's facts change with the day. */
  readonly settings: () => SearchSettings;
}

/** What the route table says of a method and a path. */
export interface RoutedInteraction {
  readonly interaction: Interaction;
  readonly target: Pick<InteractionRequest, 'resourceType' | 'id' | 'path'>;
}

/** Keeps texts for a while; whatever fails in it is as if nothing had been there. */
export interface TextCache {
  get(key: string): Promise<string | null>;
  set(key: string, value: string, seconds: number): Promise<void>;
}

/** What $explain looks at. */
export interface ExplainParts extends Inspection {
  readonly codeMaps: readonly CodeMap[];
  env(): Env;
}

/** All that interactions may use, handed in once when the application is made. */
export interface InteractionContext {
  readonly registry: Registry;
  readonly repository: Repository;
  readonly search: SearchParts;
  readonly history: History;
  readonly chart: Chart;
  /** Absent: nothing is cached. */
  readonly cache?: TextCache;
  /** The gateway's own code systems, value sets, concept maps and extensions. */
  readonly terminology: Terminology;
  readonly inspection: ExplainParts;
  /** Signs page links. */
  readonly cursorSecret: string;
  /** Absent: no imports. */
  readonly imports?: ImportDesk;
  readonly config: Config;
  readonly log: Log;
  readonly software: { readonly name: string; readonly version: string };
  /** When this process began to serve, FHIR dateTime. */
  readonly startedAt: string;
  readonly served: readonly Served[];
  /** The interaction for a request inside a Bundle. @throws FhirError `not-found`, `method-not-allowed` */
  readonly routeOf: (method: string, path: string) => RoutedInteraction;
  readonly searchParameters: (resourceType: string) => readonly SearchParameterClaim[];
}

export type Interaction = (
  context: InteractionContext,
  request: InteractionRequest,
) => InteractionResponse | Promise<InteractionResponse>;
