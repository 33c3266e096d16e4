/** One owner for a folder of private servers; the lock of an owner that died is taken over. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identify, isAlive, type ProcessId } from './process.ts';

/** Takes the lock of `folder`. Answers the living owner where there is one already, else how to release it. */
export function lockFolder(folder: string): { readonly owner: ProcessId } | { readonly release: () => void } {
  const lock = join(folder, 'lock');
  const self = identify(process.pid);
  if (self === undefined) throw new Error('This process cannot identify itself.');
  const mine = JSON.stringify(self);
  for (;;) {
    if (created(lock, mine)) return { release: () => releaseIf(lock, mine) };
    const found = readIfThere(lock);
    if (found === undefined) continue;
    const owner = parseOwner(found);
    if (owner && isAlive(owner)) return { owner };
    releaseIf(lock, found);
  }
}

/** Creates the file with its content in one step, so that nobody ever reads half of it. */
function created(file: string, content: string): boolean {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, content);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes the lock, but only the one seen: it is moved aside first, and put back if another had taken over in between. */
function releaseIf(lock: string, seen: string): void {
  const aside = `${lock}.${process.pid}.gone`;
  try {
    renameSync(lock, aside);
  } catch {
    return;
  }
  const moved = readIfThere(aside);
  if (moved !== undefined && moved !== seen) created(lock, moved);
  rmSync(aside, { force: true });
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function parseOwner(content: string): ProcessId | undefined {
  try {
    const { pid, born } = JSON.parse(content);
    return typeof pid === 'number' && typeof born === 'string' ? { pid, born } : undefined;
  } catch {
    return undefined;
  }
}
