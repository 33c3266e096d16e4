/** The load process: requests in turn over kept connections on raw sockets, as cheap as can be, so that the server is the bottleneck. */
import { connect, type Socket } from 'node:net';
import type { LoadRequest } from './bench.ts';

export interface LoadOrder {
  readonly port: number;
  readonly connections: number;
  readonly durationMs: number;
  /** Absent: those of the order before with this `id`. */
  readonly requests?: readonly LoadRequest[];
  readonly id: number;
}

export interface LoadAnswer {
  readonly done: number;
  readonly failed: number;
  readonly seconds: number;
  /** The beginning of the first answer that was no 2xx. */
  readonly firstFailure?: string;
}

interface Run {
  readonly requests: readonly Buffer[];
  next: number;
  done: number;
  failed: number;
  firstFailure: string | undefined;
  ending: boolean;
}

const prepared = new Map<number, { readonly requests: readonly Buffer[]; next: number }>();

process.on('message', (order: LoadOrder) => {
  run(order).then(
    (answer) => process.send?.(answer),
    (failure: unknown) => {
      console.error(failure);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));

async function run({ id, port, connections, durationMs, requests }: LoadOrder): Promise<LoadAnswer> {
  if (requests) prepared.set(id, { requests: requests.map((request) => bytesOf(request, port)), next: 0 });
  const known = prepared.get(id);
  if (!known) throw new Error('The load process does not know these requests');
  const state: Run = { ...known, done: 0, failed: 0, firstFailure: undefined, ending: false };
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const started = performance.now();
  const lanes = sockets.map((socket) => drive(socket, state));
  setTimeout(() => {
    state.ending = true;
  }, durationMs);
  await Promise.all(lanes);
  const seconds = (performance.now() - started) / 1000;
  for (const socket of sockets) socket.destroy();
  known.next = state.next;
  return {
    done: state.done,
    failed: state.failed,
    seconds,
    ...(state.firstFailure === undefined ? {} : { firstFailure: state.firstFailure }),
  };
}

function bytesOf({ method, path, headers = {}, body }: LoadRequest, port: number): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Accept: application/fhir+json'];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body !== undefined) lines.push('Content-Type: application/fhir+json', `Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`);
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** One request after another on one connection until the run ends. Answers must tell their length, as those of both contenders do. */
function drive(socket: Socket, state: Run): Promise<void> {
  return new Promise((resolve, reject) => {
    let awaited = -1;
    let received = 0;
    let status = 0;
    let head = '';
    const send = () => {
      awaited = -1;
      received = 0;
      head = '';
      const request = state.requests[state.next % state.requests.length];
      state.next += 1;
      if (request) socket.write(request);
    };
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('The server has closed a kept connection')));
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (awaited < 0) {
        head += chunk.toString('latin1', 0, Math.min(chunk.length, 4096));
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        status = Number(head.slice(9, 12));
        awaited = end + 4 + lengthIn(head, status);
      }
      if (received < awaited) return;
      if (status >= 200 && status < 300) state.done += 1;
      else {
        state.failed += 1;
        state.firstFailure ??= head.slice(0, 1500);
      }
      if (state.ending) {
        socket.removeAllListeners('close');
        resolve();
      } else send();
    });
    send();
  });
}

const contentLength = /\r\nContent-Length: *(\d+)\r\n/i;

function lengthIn(head: string, status: number): number {
  const length = contentLength.exec(head)?.[1];
  if (length !== undefined) return Number(length);
  if (status === 204 || status === 304) return 0;
  throw new Error('An answer does not tell its Content-Length');
}
