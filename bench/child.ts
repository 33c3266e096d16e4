/** The processes of a run: started as modules of this project, measured from outside, ended without leaving anything. */
import { type ChildProcess as NodeChild, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly node: NodeChild;
  /** Largest resident memory so far, in bytes. */
  peakMemory(): number;
  /** Processor time so far, of all its threads. */
  cpuSeconds(): number;
  /** Asks it to end, and ends it by force where it does not. */
  stop(): Promise<void>;
}

export interface ChildOptions {
  readonly name: string;
  readonly module: URL;
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where its standard output goes. */
  readonly logFile: string;
}

const stopGraceMs = 20_000;

export function startChild({ name, module, args = [], nodeArgs = [], env, logFile }: ChildOptions): Child {
  const log = openSync(logFile, 'a');
  const node = spawn(process.execPath, [...nodeArgs, fileURLToPath(module), ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const { pid } = node;
  if (pid === undefined) throw new Error(`${name} could not be started`);
  const ended = new Promise<void>((resolve) => node.once('exit', () => resolve()));
  return {
    name,
    pid,
    node,
    peakMemory: () => Number(/^VmHWM:\s+(\d+) kB$/m.exec(procFile(pid, 'status'))?.[1] ?? 0) * 1024,
    cpuSeconds: () => cpuSecondsIn(procFile(pid, 'stat')),
    async stop() {
      node.kill('SIGTERM');
      const force = setTimeout(() => node.kill('SIGKILL'), stopGraceMs);
      await ended;
      clearTimeout(force);
    },
  };
}

/** Only Linux tells these; elsewhere memory and processor time are shown as 0. */
function procFile(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Fields 14 and 15, user and system time, in hundredths of a second. */
function cpuSecondsIn(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}

/** Sends a message and waits for the one answer. */
export function ask<Answer>(child: Child, message: object, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(timer);
      child.node.off('message', answered);
      child.node.off('exit', died);
      settle();
    };
    const answered = (answer: unknown) => end(() => resolve(answer as Answer)); // the other end is a file of this folder
    const died = () => end(() => reject(new Error(`${child.name} has died`)));
    const timer = setTimeout(() => end(() => reject(new Error(`${child.name} does not answer`))), timeoutMs);
    child.node.once('message', answered);
    child.node.once('exit', died);
    child.node.send(message);
  });
}
