/** Environment → one frozen configuration object; every fault is reported at once. The only reader of the environment. */
import type { Setting } from './config/setting.ts';
import { settings } from './config/settings.ts';
import { PlainError } from './plain-error.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

type Groups = typeof settings;

/** All settings, by the groups of src/config/settings.ts: `config.db.poolMax`. Deeply frozen. */
export type Config = {
  readonly [Group in keyof Groups]: {
    readonly [Key in keyof Groups[Group]]: Groups[Group][Key] extends Setting<infer Value> ? Value : never;
  };
};

/** One variable that is wrong, and what would be accepted. Secrets are not shown. */
export interface ConfigFault {
  readonly name: string;
  readonly text: string;
}

/** Lists every fault of the environment, one a line. */
export class ConfigError extends PlainError {
  override readonly name = 'ConfigError';
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    const lines = faults.map((fault) => `  ${fault.text}`);
    super(`The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${lines.join('\n')}`);
    this.faults = faults;
  }
}

/** Every setting with its place in the configuration, in the order of the table. */
export const allSettings: readonly { readonly group: string; readonly key: string; readonly setting: Setting<unknown> }[] =
  Object.entries(settings).flatMap(([group, rows]) =>
    Object.entries<Setting<unknown>>(rows).map(([key, setting]) => ({ group, key, setting })),
  );

/** Reads all settings. @throws ConfigError that names every variable that is wrong. */
export function readConfig(env: Environment): Config {
  const faults: ConfigFault[] = [];
  const groups: Record<string, Record<string, unknown>> = {};
  for (const { group, key, setting } of allSettings) {
    groups[group] ??= {};
    groups[group][key] = readSetting(setting, env, faults);
  }
  // The one place where the shape of the table becomes the type of the configuration; the loop above mirrors that type.
  const config = groups as unknown as Config;
  faults.push(
    ...contradictionsIn(
      config,
      faults.map((fault) => fault.name),
    ),
  );
  if (faults.length > 0) throw new ConfigError(faults);
  return deepFreeze(config);
}

/** An empty variable counts as not set: that is how compose files and shells pass on what nobody gave. */
export function isConfigured(env: Environment, name: string): boolean {
  return (env[name] ?? '') !== '';
}

export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);
}

function readSetting(setting: Setting<unknown>, env: Environment, faults: ConfigFault[]): unknown {
  const given = textOf(setting, env);
  if (given === undefined) return undefined;
  const reading = setting.read(given);
  if ('value' in reading) return reading.value;
  // A fallback that does not read is built from another variable that is wrong and has been reported.
  if (!isConfigured(env, setting.name)) return undefined;
  const shown = setting.secret ? `${setting.name} is not` : `${setting.name} is ${JSON.stringify(given)}, not`;
  faults.push({ name: setting.name, text: `${shown} ${reading.expected}.` });
  return undefined;
}

/** The text of a setting: as given, else its fallback with `{NAME}` replaced. */
function textOf(setting: Setting<unknown>, env: Environment): string | undefined {
  if (isConfigured(env, setting.name)) return env[setting.name];
  return setting.fallback?.replace(/\{(\w+)\}/g, (_, name: string) => {
    const other = allSettings.find((row) => row.setting.name === name);
    const value = other === undefined ? '' : (textOf(other.setting, env) ?? '');
    return name === 'HOST' ? bracketed(value) : name === 'BASE_URL' ? value.replace(/\/+$/, '') : value;
  });
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** Settings that are right alone and wrong together: asked only where each of `of` was read. */
const contradictions: readonly { readonly of: readonly string[]; readonly find: (config: Config) => string | undefined }[] = [
  {
    of: ['HOST', 'AUTH'],
    find: ({ http: { host, auth } }) =>
      isLoopback(host) || auth === 'none'
        ? undefined
        : `HOST is ${JSON.stringify(host)}, but without authentication the gateway serves this machine only: use 127.0.0.1, or set AUTH=none if a proxy in front sees to it.`,
  },
  {
    of: ['DB_POOL_MIN', 'DB_POOL_MAX'],
    find: ({ db }) =>
      db.poolMin > db.poolMax ? `DB_POOL_MIN is ${db.poolMin}, more than DB_POOL_MAX (${db.poolMax}).` : undefined,
  },
  {
    of: ['PAGE_DEFAULT', 'PAGE_MAX'],
    find: ({ limits }) =>
      limits.pageDefault > limits.pageMax
        ? `PAGE_DEFAULT is ${limits.pageDefault}, more than PAGE_MAX (${limits.pageMax}).`
        : undefined,
  },
];

function contradictionsIn(config: Config, wrong: readonly string[]): ConfigFault[] {
  return contradictions.flatMap(({ of, find }) => {
    const text = of.some((name) => wrong.includes(name)) ? undefined : find(config);
    return text === undefined ? [] : [{ name: of[0] ?? '', text }];
  });
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
