/** The kinds of settings: each knows how to read its text and says in words what it would accept. */

/** What a kind made of a text: the value, or what would have been accepted instead. */
export type Reading<Value> = { readonly value: Value } | { readonly expected: string };

/** One environment variable of the gateway. */
export interface Setting<Value> {
  readonly name: string;
  /** For the documentation: `whole number, ms`, `on or off`, … */
  readonly kind: string;
  /** As it would be written in the environment; `{NAME}` stands for another setting. Absent: the setting may stay unset. */
  readonly fallback: string | undefined;
  readonly secret: boolean;
  readonly what: string;
  readonly read: (text: string) => Reading<Value>;
}

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** A whole number with its unit (`ms`, `bytes`, a noun). */
export function integer(name: string, fallback: number, unit: string, what: string, bounds: Bounds = {}): Setting<number> {
  const min = bounds.min ?? 1;
  const max = bounds.max ?? 2_147_483_647;
  const read = (text: string): Reading<number> => {
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? { value } : { expected: `a whole number from ${min} to ${max} (${unit})` };
  };
  return { name, kind: `whole number (${unit})`, fallback: String(fallback), secret: false, what, read };
}

/** Any text; with a pattern, text of that form, which `form` describes. */
export function text<Fallback extends string | undefined>(
  name: string,
  fallback: Fallback,
  what: string,
  form: { readonly pattern?: RegExp; readonly words?: string } = {},
): Setting<string | Fallback> {
  const read = (value: string): Reading<string> =>
    (form.pattern?.test(value) ?? true) ? { value } : { expected: form.words ?? `text of the form ${form.pattern}` };
  return { name, kind: form.words ?? 'text', fallback, secret: false, what, read };
}

/** Text that is never printed, logged or documented with a value. */
export function secret<Fallback extends string | undefined>(
  name: string,
  fallback: Fallback,
  what: string,
): Setting<string | Fallback> {
  return { ...text(name, fallback, what), kind: 'secret text', secret: true };
}

/** `true` or `false`; `on`, `yes`, `1` and their opposites are understood too. */
export function flag(name: string, fallback: boolean, what: string): Setting<boolean> {
  const words: Readonly<Record<string, boolean>> = {
    true: true,
    on: true,
    yes: true,
    1: true,
    false: false,
    off: false,
    no: false,
    0: false,
  };
  const read = (value: string): Reading<boolean> => {
    const found = words[value.toLowerCase()];
    return found === undefined ? { expected: 'true or false' } : { value: found };
  };
  return { name, kind: 'true or false', fallback: String(fallback), secret: false, what, read };
}

/** One of a closed list of words. */
export function oneOf<const Word extends string, Fallback extends Word | undefined>(
  name: string,
  words: readonly Word[],
  fallback: Fallback,
  what: string,
): Setting<Word | Fallback> {
  const kind = words.map((word) => `\`${word}\``).join(', ');
  const read = (value: string): Reading<Word> => {
    const found = words.find((word) => word === value);
    return found === undefined
      ? { expected: words.length === 1 ? `${words[0]}, or nothing` : `one of ${words.join(', ')}` }
      : { value: found };
  };
  return { name, kind, fallback, secret: false, what, read };
}

/** An absolute URL with one of the given schemes, kept without a trailing slash. A URL with a password is a secret. */
export function url<Fallback extends string | undefined>(
  name: string,
  schemes: readonly string[],
  fallback: Fallback,
  what: string,
  options: { readonly secret?: boolean } = {},
): Setting<string | Fallback> {
  const expected = `an absolute URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  const read = (value: string): Reading<string> => {
    const parsed = URL.canParse(value) ? new URL(value) : undefined;
    if (!parsed?.hostname || !schemes.includes(parsed.protocol.slice(0, -1))) return { expected };
    return { value: value.replace(/\/+$/, '') };
  };
  return { name, kind: 'URL', fallback, secret: options.secret ?? false, what, read };
}

/** A comma-separated list of words, each of the given form. */
export function list(
  name: string,
  what: string,
  form: { readonly pattern: RegExp; readonly words: string },
): Setting<readonly string[]> {
  const read = (value: string): Reading<readonly string[]> => {
    const items = value.split(',').map((item) => item.trim());
    return items.every((item) => form.pattern.test(item)) ? { value: items } : { expected: `${form.words}, separated by commas` };
  };
  return {
    name,
    kind: `${form.words}, …`,
    fallback: '',
    secret: false,
    what,
    read: (value) => (value === '' ? { value: [] } : read(value)),
  };
}

/** Pairs `word=number`, separated by commas; only the given words. */
export function numbersByWord<const Word extends string>(
  name: string,
  words: readonly Word[],
  unit: string,
  what: string,
  max: number,
): Setting<Readonly<Partial<Record<Word, number>>>> {
  const expected = `pairs such as ${words[0]}=30, separated by commas, with ${words.join(', ')} and 1 to ${max} ${unit}`;
  const read = (value: string): Reading<Readonly<Partial<Record<Word, number>>>> => {
    const numbers: Partial<Record<Word, number>> = {};
    for (const pair of value === '' ? [] : value.split(',')) {
      const [key, number, ...rest] = pair.split('=').map((part) => part.trim());
      const word = words.find((known) => known === key);
      const amount = /^\d{1,9}$/.test(number ?? '') ? Number(number) : 0;
      if (word === undefined || rest.length > 0 || amount < 1 || amount > max || numbers[word] !== undefined) return { expected };
      numbers[word] = amount;
    }
    return { value: numbers };
  };
  return { name, kind: `word=number, … (${unit})`, fallback: '', secret: false, what, read };
}

/** An IANA time zone, as this Node knows it. */
export function timeZone(name: string, fallback: string, what: string): Setting<string> {
  const read = (value: string): Reading<string> => {
    try {
      new Intl.DateTimeFormat('en', { timeZone: value });
    } catch {
      return { expected: 'an IANA time zone such as Europe/Vienna or America/New_York' };
    }
    // An offset such as +02:00 also satisfies Intl, but knows no summer time.
    return /^[+-]/.test(value) ? { expected: 'an IANA time zone such as Europe/Vienna, not an offset' } : { value };
  };
  return { name, kind: 'IANA time zone', fallback, secret: false, what, read };
}
