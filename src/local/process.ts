/** Processes that outlive the one that started them: who they are, whether they still run, and how they end. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process id alone may belong to another program by tomorrow; with the time of its birth it does not. */
export interface ProcessId {
  readonly pid: number;
  readonly born: string;
}

/** The process that has this number now; undefined where none runs (a zombie does not). */
export function identify(pid: number): ProcessId | undefined {
  const born = process.platform === 'linux' ? bornOnLinux(pid) : bornByPs(pid);
  return born === undefined ? undefined : { pid, born };
}

export function isAlive(id: ProcessId): boolean {
  return identify(id.pid)?.born === id.born;
}

/** Asks the process to end, and ends it by force when `graceMs` has passed. */
export async function stopProcess(id: ProcessId, graceMs: number): Promise<void> {
  signal(id, 'SIGTERM');
  if (await hasEnded(id, graceMs)) return;
  signal(id, 'SIGKILL');
  await hasEnded(id, 10_000);
}

/** Sends a signal, unless the process has ended. */
export function signal(id: ProcessId, name: 'SIGTERM' | 'SIGKILL'): void {
  if (!isAlive(id)) return;
  try {
    process.kill(id.pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function hasEnded(id: ProcessId, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (isAlive(id)) {
    if (performance.now() > deadline) return false;
    await sleep(25);
  }
  return true;
}

/** Field 22 of /proc/PID/stat counts from the boot; field 3 is the state. The name before them may contain anything. */
function bornOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19]}`;
  } catch {
    return undefined;
  }
}

function bornByPs(pid: number): string | undefined {
  const line = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim();
  return !line || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
}
