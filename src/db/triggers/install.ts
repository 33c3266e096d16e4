/** Compares the triggers that are there with those that should be, puts them right, and takes them away. */
import type { Registry } from '../../mapping/registry.ts';
import { isDatabaseError } from '../errors.ts';
import type { Session } from '../pool.ts';
import { readFacts } from './facts.ts';
import { hashIn, type Trigger, triggersFor } from './generate.ts';

const triggerExists = 1359;

/** Runs text that the binary protocol does not take (CREATE TRIGGER). */
export type RunText = (sql: string) => Promise<unknown>;

export interface TriggerState {
  readonly missing: readonly Trigger[];
  readonly outdated: readonly Trigger[];
  /** Names of triggers of ours that no mapping needs any more. */
  readonly superfluous: readonly string[];
}

export async function compareTriggers(session: Session, registry: Registry): Promise<TriggerState> {
  const wanted = triggersFor(registry, await readFacts(session));
  const found = await foundTriggers(session);
  const names = new Set(wanted.map(({ name }) => name.toLowerCase()));
  return {
    missing: wanted.filter(({ name }) => !found.has(name.toLowerCase())),
    outdated: wanted.filter(({ name, hash }) => {
      const there = found.get(name.toLowerCase());
      return there !== undefined && there.hash !== hash;
    }),
    superfluous: [...found.values()].filter(({ name }) => !names.has(name.toLowerCase())).map(({ name }) => name),
  };
}

export function areRight({ missing, outdated, superfluous }: TriggerState): boolean {
  return missing.length + outdated.length + superfluous.length === 0;
}

/** What is wrong, for people; empty when nothing is. */
export function describeTriggers(state: TriggerState): readonly string[] {
  const list = (triggers: readonly { readonly name: string }[]) => triggers.map(({ name }) => name).join(', ');
  return [
    ...(state.missing.length > 0
      ? [`Triggers are missing, so changes by MediMax leave no version: ${list(state.missing)}.`]
      : []),
    ...(state.outdated.length > 0 ? [`Triggers are of another release of the gateway: ${list(state.outdated)}.`] : []),
    ...(state.superfluous.length > 0 ? [`Triggers that nothing needs any more: ${state.superfluous.join(', ')}.`] : []),
  ];
}

/** Puts the triggers right; returns the names of those made or removed. */
export async function installTriggers(session: Session, run: RunText, registry: Registry): Promise<readonly string[]> {
  const state = await compareTriggers(session, registry);
  for (const name of state.superfluous) await run(`DROP TRIGGER IF EXISTS ${name}`);
  for (const { name, table, timing, body } of [...state.missing, ...state.outdated]) {
    // MariaDB replaces in one step, so that no write of MediMax falls between; MySQL cannot, and skips the comment.
    const create = `CREATE /*M! OR REPLACE */ TRIGGER ${name} ${timing} ON ${table} FOR EACH ROW\n${body}`;
    try {
      await run(create);
    } catch (failure) {
      if (!isDatabaseError(failure) || failure.errno !== triggerExists) throw failure;
      await run(`DROP TRIGGER IF EXISTS ${name}`);
      await run(create);
    }
  }
  return [...state.superfluous, ...[...state.missing, ...state.outdated].map(({ name }) => name)];
}

/** Takes every trigger of ours away. */
export async function dropTriggers(session: Session, run: RunText): Promise<void> {
  for (const { name } of (await foundTriggers(session)).values()) await run(`DROP TRIGGER IF EXISTS ${name}`);
}

async function foundTriggers(session: Session): Promise<Map<string, { readonly name: string; readonly hash: string | null }>> {
  const rows = await session.rows(
    "SELECT trigger_name, action_statement FROM information_schema.triggers WHERE trigger_schema = DATABASE() AND trigger_name LIKE 'fhir\\_%'",
  );
  return new Map(rows.map(([name, body]) => [String(name).toLowerCase(), { name: String(name), hash: hashIn(String(body)) }]));
}
