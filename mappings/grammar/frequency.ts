/** How often a medicine is taken, in words ↔ Timing. https://hl7.org/fhir/R4/datatypes.html#Timing */
import type { Coding, Timing, TimingRepeat } from 'fhir/r4.js';
import { decimalText } from '../../src/fhir/json.ts';
import { quantityText, rangeText } from './quantity.ts';
import { conceptText } from './value-text.ts';

/** What a frequency text means; asNeeded belongs to Dosage, not to Timing. */
export interface Frequency {
  readonly repeat?: TimingRepeat;
  readonly coding?: Coding;
  readonly asNeeded: boolean;
}

type Unit = NonNullable<TimingRepeat['periodUnit']>;
type When = NonNullable<TimingRepeat['when']>[number];

/** Codes of http://hl7.org/fhir/ValueSet/timing-abbreviation with that value set's displays. Q12H is not among those of R4. */
const abbreviations: ReadonlyMap<string, string> = new Map([
  ['QD', 'QD'],
  ['BID', 'BID'],
  ['TID', 'TID'],
  ['QID', 'QID'],
  ['QOD', 'QOD'],
  ['AM', 'AM'],
  ['PM', 'PM'],
  ['Q1H', 'every hour'],
  ['Q2H', 'every 2 hours'],
  ['Q3H', 'every 3 hours'],
  ['Q4H', 'Q4H'],
  ['Q6H', 'Q6H'],
  ['Q8H', 'every 8 hours'],
  ['BED', 'at bedtime'],
  ['WK', 'weekly'],
  ['MO', 'monthly'],
]);

const times = (frequency: number, period: number, periodUnit: Unit): TimingRepeat => ({ frequency, period, periodUnit });
const daily = (when: When): TimingRepeat => ({ ...times(1, 1, 'd'), when: [when] });

/** Fixed phrases, in lower case: what they repeat and their code, where R4 has one. */
const phrases: readonly (readonly [string, TimingRepeat, string?])[] = [
  [
    'once daily|once a day|one time a day|1 time a day|1 time daily|1x daily|once per day|daily|every day|each day|qd|q.d.',
    times(1, 1, 'd'),
    'QD',
  ],
  ['twice daily|twice a day|two times a day|two times daily|twice per day|bid|b.i.d.|bd', times(2, 1, 'd'), 'BID'],
  ['thrice daily|three times a day|three times daily|tid|t.i.d.|tds', times(3, 1, 'd'), 'TID'],
  ['four times a day|four times daily|qid|q.i.d.|qds', times(4, 1, 'd'), 'QID'],
  ['every other day|every second day|alternate days|on alternate days|qod|q.o.d.', times(1, 2, 'd'), 'QOD'],
  ['weekly|once weekly|once a week|every week|once per week', times(1, 1, 'wk'), 'WK'],
  ['twice weekly|twice a week', times(2, 1, 'wk')],
  ['monthly|once monthly|once a month|every month', times(1, 1, 'mo'), 'MO'],
  ['every hour|hourly', times(1, 1, 'h'), 'Q1H'],
  ['at bedtime|bedtime|once daily at bedtime|every night at bedtime|qhs|q.h.s.', daily('HS'), 'BED'],
  ['every morning|in the morning|once daily in the morning|qam', daily('MORN'), 'AM'],
  ['every afternoon|in the afternoon', daily('AFT'), 'PM'],
  ['every evening|in the evening|once daily in the evening', daily('EVE')],
  ['every night|nightly|at night', daily('NIGHT')],
  ['before meals|ac', { when: ['AC'] }],
  ['with meals', { when: ['C'] }],
  ['after meals|pc', { when: ['PC'] }],
];

interface Meaning {
  readonly repeat: TimingRepeat;
  readonly code: string | undefined;
}

const byPhrase: ReadonlyMap<string, Meaning> = new Map(
  phrases.flatMap(([words, repeat, code]) => words.split('|').map((word) => [word, { repeat, code }] as const)),
);

/** Undefined when the text (spaces around it do not count as none) is not wholly one of the forms known here. */
export function frequencyFromText(text: string): Frequency | undefined {
  const lower = text.toLowerCase();
  const asNeeded = /^(?:(.+?),? )?(?:prn|p\.r\.n\.|as needed|as required|if needed|when needed)$/.exec(lower);
  const base = asNeeded ? asNeeded[1] : lower;
  if (base === undefined) return { asNeeded: true };
  const meaning = byPhrase.get(base) ?? countedDaily(base) ?? interval(base);
  if (!meaning) return undefined;
  const coding = codingOf(meaning.code);
  return { repeat: meaning.repeat, ...(coding ? { coding } : {}), asNeeded: asNeeded !== null };
}

function codingOf(code: string | undefined): Coding | undefined {
  const display = code === undefined ? undefined : abbreviations.get(code);
  if (code === undefined || display === undefined) return undefined;
  return { system: 'http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation', code, display };
}

/** `3 times a day`, `3x daily`, `3 times weekly`. */
function countedDaily(text: string): Meaning | undefined {
  const [, count, unit] = /^([1-9]|1[0-9]|2[0-4]) ?(?:times|x) ?(?:a |per |every )?(day|daily|week|weekly)$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) return undefined;
  const code = unit.startsWith('d') ? ['QD', 'BID', 'TID', 'QID'][Number(count) - 1] : undefined;
  return { repeat: times(Number(count), 1, unit.startsWith('d') ? 'd' : 'wk'), code };
}

const unitWords: ReadonlyMap<string, Unit> = new Map([
  ...pairs('min', 'minute minutes min mins'),
  ...pairs('h', 'h hr hrs hour hours'),
  ...pairs('d', 'd day days'),
  ...pairs('wk', 'wk week weeks'),
  ...pairs('mo', 'month months'),
]);

function pairs(unit: Unit, words: string): readonly (readonly [string, Unit])[] {
  return words.split(' ').map((word) => [word, unit] as const);
}

/** `every 6 hours`, `q8h`, `q 12 hours`, `every 4-6 hours`. */
function interval(text: string): Meaning | undefined {
  const [, least, most, word] = /^(?:every |q ?)([1-9][0-9]{0,2})(?: ?[-–] ?([1-9][0-9]{0,2}))? ?([a-z]+)$/.exec(text) ?? [];
  const unit = unitWords.get(word ?? '');
  if (least === undefined || unit === undefined || (most !== undefined && Number(most) <= Number(least))) return undefined;
  const repeat = times(1, Number(least), unit);
  if (most !== undefined) return { repeat: { ...repeat, periodMax: Number(most) }, code: undefined };
  return { repeat, code: unit === 'h' ? `Q${least}H` : undefined };
}

const eventWords: ReadonlyMap<string, string> = new Map([
  ['HS', 'at bedtime'],
  ['MORN', 'in the morning'],
  ['AFT', 'in the afternoon'],
  ['EVE', 'in the evening'],
  ['NIGHT', 'at night'],
  ['NOON', 'at noon'],
  ['WAKE', 'after waking'],
  ['AC', 'before meals'],
  ['C', 'with meals'],
  ['PC', 'after meals'],
  ['ACM', 'before breakfast'],
  ['ACD', 'before lunch'],
  ['ACV', 'before dinner'],
  ['CM', 'with breakfast'],
  ['CD', 'with lunch'],
  ['CV', 'with dinner'],
  ['PCM', 'after breakfast'],
  ['PCD', 'after lunch'],
  ['PCV', 'after dinner'],
]);

/** code.text, which R4 calls a complete statement of the timing, else the repeat written out, else the code; '' when nothing is said. */
export function frequencyText(timing: Timing | undefined): string {
  if (!timing) return '';
  return timing.code?.text ?? (repeatText(timing.repeat) || conceptText(timing.code) || (timing.event ?? []).join(', '));
}

/** `twice daily`, `every 4-6 hours`, `once daily at bedtime`, `every 2 weeks on mon for 10 days`. */
export function repeatText(repeat: TimingRepeat | undefined): string {
  if (!repeat) return '';
  const when = (repeat.when ?? []).map((event) => eventWords.get(event) ?? event).join(', ');
  const offset = repeat.offset === undefined ? '' : `${repeat.offset} min `;
  return [
    rateText(repeat),
    when && `${offset}${when}`,
    repeat.dayOfWeek && `on ${repeat.dayOfWeek.join(', ')}`,
    repeat.timeOfDay && `at ${repeat.timeOfDay.map((time) => time.replace(/:00$/, '')).join(', ')}`,
    repeat.duration !== undefined && `over ${span(repeat.duration, repeat.durationMax)} ${repeat.durationUnit ?? ''}`.trimEnd(),
    boundsText(repeat),
    repeat.count !== undefined && `${span(repeat.count, repeat.countMax)} times in all`,
  ]
    .filter(Boolean)
    .join(' ');
}

const unitNames: Readonly<Record<Unit, string>> = {
  s: 'second',
  min: 'minute',
  h: 'hour',
  d: 'day',
  wk: 'week',
  mo: 'month',
  a: 'year',
};
const adverbs: Readonly<Partial<Record<Unit, string>>> = { d: 'daily', wk: 'weekly', mo: 'monthly', a: 'yearly' };

function rateText({ frequency, frequencyMax, period, periodMax, periodUnit }: TimingRepeat): string {
  if (period === undefined || periodUnit === undefined)
    return frequency === undefined ? '' : `${span(frequency, frequencyMax)} times`;
  const name = unitNames[periodUnit];
  const single = decimalText(period) === '1' && periodMax === undefined;
  const adverb = single ? adverbs[periodUnit] : undefined;
  const every = single ? `every ${name}` : `every ${span(period, periodMax)} ${name}s`;
  const count = frequency ?? 1;
  if (frequencyMax === undefined && count === 1) return adverb ? `once ${adverb}` : every;
  if (frequencyMax === undefined && count === 2) return adverb ? `twice ${adverb}` : `twice ${every}`;
  return `${span(count, frequencyMax)} times ${adverb ?? every}`;
}

function boundsText({ boundsDuration, boundsRange, boundsPeriod }: TimingRepeat): string {
  if (boundsDuration?.value !== undefined) return `for ${quantityText(boundsDuration)}`;
  if (boundsRange) return ['for', rangeText(boundsRange).text, rangeText(boundsRange).unit].filter(Boolean).join(' ');
  return [boundsPeriod?.start && `from ${boundsPeriod.start}`, boundsPeriod?.end && `until ${boundsPeriod.end}`]
    .filter(Boolean)
    .join(' ');
}

function span(least: number, most: number | undefined): string {
  return most === undefined ? decimalText(least) : `${decimalText(least)}-${decimalText(most)}`;
}
