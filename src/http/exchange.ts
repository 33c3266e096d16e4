/** One request and its answer: what is known about it from the start, how the answer is written, and its line in the log. */
import type { Request, Response } from 'express';
import { stringifyJson } from '../fhir/json.ts';
import { operationOutcome } from '../fhir/outcome.ts';
import type { Log } from '../log.ts';
import { ClientGone } from './body.ts';
import { corsHeaders } from './cors.ts';
import { errorReply } from './errors.ts';
import { requestIdOf } from './request-id.ts';

/** The same for all requests of an application. */
export interface Surroundings {
  readonly log: Log;
  readonly corsOrigins: readonly string[];
  /** Names and values in turn. No reply sets one of them. */
  readonly fixedHeaders: readonly string[];
}

export interface Exchange extends Surroundings {
  readonly request: Request;
  readonly response: Response;
  readonly id: string;
  readonly startedMs: number;
  /** The route's pattern for the log, never with ids: `/fhir/Patient/:id`. */
  template: string;
  contentType: string;
  pretty: boolean;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: object;
  readonly text?: string;
}

export function openExchange(surroundings: Surroundings, request: Request, response: Response, template: string): Exchange {
  return {
    log: surroundings.log,
    corsOrigins: surroundings.corsOrigins,
    fixedHeaders: surroundings.fixedHeaders,
    request,
    response,
    id: requestIdOf(request.headers['x-request-id']),
    startedMs: performance.now(),
    template,
    contentType: 'application/fhir+json; charset=utf-8',
    pretty: false,
  };
}

/** Writes the answer and its line in the log. */
export function answer(exchange: Exchange, { status, headers, body, text }: Reply): void {
  const { request, response, fixedHeaders, corsOrigins, id } = exchange;
  const ready = text !== undefined && exchange.pretty ? stringifyJson(JSON.parse(text), true) : text;
  const payload = ready ?? (body === undefined ? undefined : stringifyJson(body, exchange.pretty));
  const bytes = payload === undefined ? 0 : Buffer.byteLength(payload);
  const all = [...fixedHeaders, 'X-Request-Id', id];
  if (corsOrigins.length > 0) add(all, corsHeaders(corsOrigins, request.headers.origin));
  add(all, headers);
  if (payload !== undefined) all.push('Content-Type', exchange.contentType, 'Content-Length', String(bytes));
  else if (status !== 204 && status !== 304) all.push('Content-Length', '0');
  response.writeHead(status, all);
  response.end(payload);
  logLine(exchange, status, bytes);
}

function add(all: string[], headers: Readonly<Record<string, string>>): void {
  for (const name in headers) all.push(name, headers[name] ?? '');
}

export function answerError(exchange: Exchange, thrown: unknown): void {
  const { response, log, id, template } = exchange;
  if (thrown instanceof ClientGone || response.destroyed) {
    logLine(exchange, 499, 0);
    return;
  }
  const { status, headers, issues, isBug } = errorReply(thrown, id);
  if (isBug) log.error('bug', { id, route: template, error: asError(thrown) });
  if (response.headersSent) response.destroy();
  else answer(exchange, { status, headers, body: operationOutcome(issues) });
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('Something that is no Error was thrown');
}

/** Health probes come every few seconds, so they are logged for debugging only. 499: the client went away before the answer. */
export function logLine({ log, request, id, template, startedMs }: Exchange, status: number, bytes: number): void {
  const ms = Math.round((performance.now() - startedMs) * 10) / 10;
  const write = template.endsWith('z') ? log.debug : log.info;
  write('request', { id, method: request.method, route: template, status, ms, bytes });
}
