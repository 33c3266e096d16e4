/** A server of our own on a free loopback port: started, or adopted where a start that died has left it running. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { PlainError } from '../plain-error.ts';
import { identify, isAlive, type ProcessId, signal, stopProcess } from './process.ts';

/** What there is to know of a kind of server. */
export interface ServerPlan {
  readonly name: string;
  /** Its own folder: state, log and whatever else it keeps. */
  readonly folder: string;
  readonly file: string;
  readonly argsFor: (port: number) => readonly string[];
  /** What must be the same for a running one to be of use: its settings, not its port. */
  readonly identity: string;
  /** Whether the server on that port answers as ours does. */
  readonly answers: (port: number) => Promise<boolean>;
  readonly stopGraceMs: number;
  readonly env: Readonly<Record<string, string>>;
}

export interface LocalServer {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly adopted: boolean;
  /** Stops it in order. */
  readonly stop: () => Promise<void>;
  /** Signals it and does not wait. */
  readonly abandon: (name: 'SIGTERM' | 'SIGKILL') => void;
}

interface State extends ProcessId {
  readonly port: number;
  readonly identity: string;
}

const startMs = 60_000;

/** Adopts the server of the folder if it still runs, else starts it. @throws PlainError with the end of its log. */
export async function runServer(plan: ServerPlan): Promise<LocalServer> {
  const identity = createHash('sha256').update(plan.identity).digest('hex');
  const last = readState(plan.folder);
  if (last && isAlive(last)) {
    if (last.identity === identity && (await becomesReady(plan, last))) return handleOf(plan, last, true);
    await stopProcess(last, plan.stopGraceMs);
  }
  let port = await freePort('127.0.0.1', last?.port);
  for (let attempt = 1; ; attempt++) {
    const state: State = { ...spawnServer(plan, port), port, identity };
    writeState(plan.folder, state);
    if (await becomesReady(plan, state)) return handleOf(plan, state, false);
    await stopProcess(state, 0);
    // Somebody else may have taken the port between the choice and the start.
    const next = await freePort('127.0.0.1', port);
    if (next === port || attempt === 3) throw new PlainError(`The private ${plan.name} did not start. ${logEnd(plan)}`);
    port = next;
  }
}

/** The running server of a folder that belongs to another process: where it listens, if it answers. */
export async function joinServer(plan: Pick<ServerPlan, 'folder' | 'answers'>): Promise<number | undefined> {
  const state = readState(plan.folder);
  return state && isAlive(state) && (await becomesReady(plan, state)) ? state.port : undefined;
}

/** The process of the server of a folder, if one runs there. */
export function serverIn(folder: string): ProcessId | undefined {
  const state = readState(folder);
  return state && isAlive(state) ? state : undefined;
}

export function logFile(folder: string): string {
  return join(folder, 'server.log');
}

/** Detached: Ctrl-C in a terminal reaches the whole foreground group, and the gateway must stop before its servers do. */
function spawnServer(plan: ServerPlan, port: number): ProcessId {
  const log = openSync(logFile(plan.folder), 'a');
  const child = spawn(plan.file, plan.argsFor(port), {
    cwd: plan.folder,
    detached: true,
    stdio: ['ignore', log, log],
    env: plan.env,
  });
  closeSync(log);
  child.on('error', () => {});
  child.unref();
  const id = child.pid === undefined ? undefined : identify(child.pid);
  if (id === undefined) throw new PlainError(`The private ${plan.name} could not be run (${plan.file}). ${logEnd(plan)}`);
  return id;
}

async function becomesReady(plan: Pick<ServerPlan, 'answers'>, state: State): Promise<boolean> {
  const deadline = performance.now() + startMs;
  while (isAlive(state) && performance.now() < deadline) {
    if ((await plan.answers(state.port)) && isAlive(state)) return true;
    await sleep(25);
  }
  return false;
}

function handleOf(plan: ServerPlan, state: State, adopted: boolean): LocalServer {
  return {
    name: plan.name,
    port: state.port,
    pid: state.pid,
    adopted,
    stop: () => stopProcess(state, plan.stopGraceMs),
    abandon: (name) => signal(state, name),
  };
}

function readState(folder: string): State | undefined {
  try {
    const { pid, born, port, identity } = JSON.parse(readFileSync(join(folder, 'server.json'), 'utf8'));
    const whole = typeof pid === 'number' && typeof born === 'string' && typeof port === 'number' && typeof identity === 'string';
    return whole ? { pid, born, port, identity } : undefined;
  } catch {
    return undefined;
  }
}

function writeState(folder: string, state: State): void {
  const file = join(folder, 'server.json');
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
}

function logEnd(plan: ServerPlan): string {
  let lines: string[] = [];
  try {
    lines = readFileSync(logFile(plan.folder), 'utf8').trim().split('\n').slice(-40);
  } catch {
    // No log: nothing to quote.
  }
  const errors = lines.filter((line) => /error|fatal|can't|denied/i.test(line)).slice(-3);
  return [
    `Its log is ${logFile(plan.folder)}${errors.length > 0 ? ' and ends with:' : '.'}`,
    ...errors.map((line) => `  ${line}`),
  ].join('\n');
}
