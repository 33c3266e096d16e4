/** The Express application: the route table on one side, interactions on the other, a few lines between them. */
import express, { type Express, type Request, type Response } from 'express';
import { parseJson } from '../fhir/json.ts';
import { error, FhirError, fault } from '../fhir/outcome.ts';
import { ndjsonTypes } from '../interaction/import.ts';
import type { InteractionContext } from '../interaction/interaction.ts';
import { jsonPatchType } from '../interaction/patch/patched.ts';
import { searchParametersOf } from '../search/supported.ts';
import { answerStream } from './answer-stream.ts';
import { readBody, streamBody } from './body.ts';
import { checkContentType, jsonTypes } from './content.ts';
import { corsHeaders, preflightHeaders } from './cors.ts';
import { answer, answerError, type Exchange, openExchange, type Surroundings } from './exchange.ts';
import { fixedHeaders, flat } from './fixed-headers.ts';
import { live, type Readiness, readinessReply } from './health.ts';
import { landing } from './landing.ts';
import { routeFinder } from './match-route.ts';
import { acceptBesideNdjson, type Format, negotiate } from './negotiation.ts';
import { parseFields, queryOf } from './query.ts';
import { allowed, byPath, type Route, routes } from './routes.ts';
import { refuseUnknownType } from './unknown.ts';

/** What the application is made of. */
export interface AppParts extends Omit<InteractionContext, 'served' | 'routeOf' | 'startedAt' | 'searchParameters'> {
  readonly ready: Readiness;
  readonly searchParameters?: InteractionContext['searchParameters'];
}

const basePath = '/fhir';

export function createApp(parts: AppParts): Express {
  const { config, log } = parts;
  const context: InteractionContext = {
    ...parts,
    searchParameters: parts.searchParameters ?? searchParametersOf,
    served: routes,
    routeOf: routeFinder(routes, parts.registry),
    startedAt: `${new Date().toISOString().slice(0, 19)}Z`,
  };
  const surroundings: Surroundings = {
    log,
    corsOrigins: config.http.corsOrigins,
    fixedHeaders: flat(fixedHeaders(config.http.baseUrl)),
  };
  const app = bareExpress();

  /** Runs `work` for a route, and answers whatever becomes of it. */
  const handle = (template: string, work: (exchange: Exchange) => Promise<void> | void) => {
    return async (request: Request, response: Response): Promise<void> => {
      const exchange = openExchange(surroundings, request, response, template);
      try {
        await work(exchange);
      } catch (thrown) {
        answerError(exchange, thrown);
      }
    };
  };

  const often = routes.find(({ method, path }) => method === 'GET' && path === readPath);
  if (often) {
    const first = handle(basePath + readPath, (exchange) => serve(context, often, exchange));
    app.get(givenIds(parts.registry.resourceTypes), first);
  }
  for (const [path, rows] of byPath(routes)) {
    const template = path === '/' ? basePath : basePath + path;
    const route = app.route(template);
    for (const row of rows) {
      const handler = handle(template, (exchange) => serve(context, row, exchange));
      route[verb[row.method]](handler);
    }
    const allow = allowed(rows);
    route.options(handle(template, (exchange) => answerOptions(exchange, context, allow)));
    const { instead } = rows[0] ?? {};
    route.all(handle(template, (exchange) => refuseMethod(exchange, context, allow, instead)));
  }
  app.get(
    '/livez',
    handle('/livez', (exchange) => answerPlain(exchange, live)),
  );
  app.get(
    '/readyz',
    handle('/readyz', async (exchange) => answerPlain(exchange, await readinessReply(parts.ready))),
  );
  app.get(
    '/',
    handle('/', (exchange) => answerPlain(exchange, landing(parts.software, config.http.baseUrl))),
  );
  app.use(handle('(unknown path)', refusePath));
  // Express itself fails only where a path cannot be decoded; its signature is told by the four arguments.
  app.use((thrown: unknown, request: Request, response: Response, _next: unknown) =>
    answerError(openExchange(surroundings, request, response, '(undecodable path)'), thrown),
  );
  return app;
}

const readPath = '/:type/:id';

/**
 * The paths of reads by ids that the gateway gives (`/fhir/Patient/pt-12`): nearly all requests. Express tries path after path, so this
 * one comes before all others, and is so narrow that no other row of the table could be meant.
 */
function givenIds(resourceTypes: readonly string[]): RegExp {
  const types = resourceTypes.filter((type) => !routes.some(({ path }) => path.startsWith(`/${type}/`)));
  return new RegExp(`^${basePath}/(?<type>${types.join('|')})/(?<id>[a-z]{2}-[0-9]+)$`);
}

const verb = { GET: 'get', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete' } as const;

/** Express without what it does for every request and nobody here needs. */
function bareExpress(): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.enable('case sensitive routing');
  return app;
}

/** From Express's request to an interaction's, and back. */
async function serve(context: InteractionContext, row: Route, exchange: Exchange): Promise<void> {
  const { request, id: requestId } = exchange;
  const { http, limits } = context.config;
  const deadline = Date.now() + http.requestTimeoutMs;
  const path = pathOf(request);
  const { type, id } = path;
  nameType(exchange, context, type, id);
  let query = queryOf(request.url);
  const { accept } = request.headers;
  setFormat(exchange, negotiate(row.writes === 'ndjson' ? acceptBesideNdjson(accept, ndjsonTypes) : accept, query));
  let body: unknown;
  if (row.body === 'json' || row.body === 'patch') {
    checkContentType(request.headers['content-type'], row.body === 'json' ? jsonTypes : [...jsonTypes, jsonPatchType]);
    body = parseJson(await readBody(request, limits.bodyBytesMax), { depthMax: limits.jsonDepthMax });
  } else if (row.body === 'form') {
    query = new URLSearchParams([...query, ...(await readFields(request, limits.bodyBytesMax))]);
    setFormat(exchange, negotiate(accept, query));
  }
  const { method, headers } = request;
  const stream = row.body === 'stream' ? streamOf(context, request) : undefined;
  const baseUrl = http.baseUrl;
  const plain = { method, resourceType: type, id, path, query, headers, body, stream, baseUrl, requestId, deadline };
  const response = await row.interaction(context, plain);
  if (response.stream) await answerStream(exchange, response, response.stream);
  else answer(exchange, response);
}

function streamOf({ config }: InteractionContext, request: Request): AsyncIterable<Buffer> {
  checkContentType(request.headers['content-type'], [...ndjsonTypes, ...jsonTypes]);
  return streamBody(request, config.import.jobBytesMax);
}

function setFormat(exchange: Exchange, { contentType, pretty }: Format): void {
  exchange.contentType = contentType;
  exchange.pretty = pretty;
}

async function readFields(request: Request, bytesMax: number): Promise<URLSearchParams> {
  if (request.headers['content-length'] === '0') return new URLSearchParams();
  checkContentType(request.headers['content-type'], ['application/x-www-form-urlencoded']);
  return parseFields((await readBody(request, bytesMax)).toString('utf8'), 'The form in the body');
}

function pathOf(request: Request): Readonly<Record<string, string>> & { readonly type?: string; readonly id?: string } {
  return request.params as Readonly<Record<string, string>>;
}

/** Says the type in the log; ids stay out of it. @throws FhirError `not-found` for types and names that are not served */
function nameType(exchange: Exchange, { registry }: InteractionContext, type: string | undefined, id: string | undefined): void {
  if (type === undefined) return;
  refuseUnknownType(registry, type, id);
  exchange.template = exchange.template.replace(':type', type);
}

function answerOptions(exchange: Exchange, context: InteractionContext, allow: string): void {
  const { type, id } = pathOf(exchange.request);
  nameType(exchange, context, type, id);
  const cors = corsHeaders(exchange.corsOrigins, exchange.request.headers.origin);
  answer(exchange, { status: 204, headers: { Allow: allow, ...preflightHeaders(cors, allow) } });
}

function refuseMethod(exchange: Exchange, context: InteractionContext, allow: string, instead = ''): never {
  const { type, id } = pathOf(exchange.request);
  nameType(exchange, context, type, id);
  const text = `${exchange.request.method} is not supported here; supported are ${allow}. ${instead}`.trim();
  throw new FhirError('method-not-allowed', [error('not-supported', text)], { headers: { Allow: allow } });
}

function refusePath(): never {
  throw fault(
    'not-found',
    'not-found',
    `There is nothing at this path; FHIR is served below ${basePath}, see ${basePath}/metadata.`,
  );
}

/** What is not FHIR is `application/json`. */
function answerPlain(exchange: Exchange, reply: Parameters<typeof answer>[1]): void {
  exchange.contentType = 'application/json; charset=utf-8';
  answer(exchange, reply);
}
