/** Observation.interpretation ↔ is_abnormal and abnormal_flag. https://hl7.org/fhir/R4/valueset-observation-interpretation.html */
import type { CodeableConcept, Coding } from 'fhir/r4.js';
import { warning } from '../../src/fhir/outcome.ts';
import { codeTable } from '../../src/mapping/code-table.ts';
import type { Columns, Pair } from '../../src/mapping/types.ts';
import type { Lifted } from './lifted.ts';

export const interpretationSystem = 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation';
/** HL7 v2's own table, and how older servers named the v3 one. */
const systems: readonly (string | undefined)[] = [
  interpretationSystem,
  'http://terminology.hl7.org/CodeSystem/v2-0078',
  'http://hl7.org/fhir/v2/0078',
  'http://hl7.org/fhir/ValueSet/observation-interpretation',
  undefined,
];

/** The first code of each flag is the one it reads as. */
export const abnormalFlags = codeTable([
  ['high', 'H'],
  ['low', 'L'],
  ['critical_high', 'HH'],
  ['critical_low', 'LL'],
  ['high', 'HU'],
  ['high', 'HX'],
  ['high', '>'],
  ['low', 'LU'],
  ['low', 'LX'],
  ['low', '<'],
  ['critical_high', 'AA'],
]);

const displays: Readonly<Record<string, string>> = {
  H: 'High',
  L: 'Low',
  HH: 'Critical high',
  LL: 'Critical low',
  A: 'Abnormal',
};

/** Abnormal without a direction: MediMax must have one (its CHECK), so high with a warning, and it stays visible. */
const undirected: readonly unknown[] = ['A', 'ABN', 'POS', 'DET', 'R', 'RR', 'WR', 'I', 'MS', 'SYN-R', 'UNE', 'TOX', 'CAR'];
const notAbnormal: readonly unknown[] = ['N', 'NEG', 'ND', 'NR', 'EXP', 'S', 'SYN-S', 'VS', 'B', 'D', 'U', 'W'];

/** Worst first: several interpretations leave one flag. */
const urgency = ['critical_high', 'critical_low', 'high', 'low'] as const;

type Flag = (typeof urgency)[number];
type Meaning = Flag | 'abnormal' | 'unremarkable' | 'unknown';

export const interpretation: Pair<Lifted> = {
  name: 'interpretation',
  elements: ['interpretation'],
  columns: ['is_abnormal', 'abnormal_flag'],
  toFhir({ row }) {
    const code = codeFor(row);
    if (code === undefined) return {};
    const coding: Coding = { system: interpretationSystem, code, display: displays[code] ?? code };
    return { interpretation: [code === 'A' ? { coding: [coding] } : { coding: [coding], text: String(row['abnormal_flag']) }] };
  },
  toRow({ interpretation: said = [] }, context) {
    const expression = 'Observation.interpretation';
    const meanings = said.map(meaningOf);
    const flag = urgency.find((one) => meanings.includes(one));
    if (flag) return { row: { is_abnormal: 1, abnormal_flag: flag } };
    if (meanings.includes('abnormal')) {
      const text = `${expression} is kept, but MediMax shows it as high: it knows no abnormal result without a direction`;
      context.tell(warning('business-rule', text, expression));
      return { row: { is_abnormal: 1, abnormal_flag: 'high' } };
    }
    if (meanings.includes('unknown')) {
      context.tell(warning('business-rule', `${expression} is kept, but MediMax has no word for it and shows none`, expression));
      return { row: { is_abnormal: meanings.includes('unremarkable') ? 0 : null, abnormal_flag: null } };
    }
    return { row: { is_abnormal: 0, abnormal_flag: null } };
  },
};

/** A flag speaks even where is_abnormal contradicts it: hiding a critical value is the worse mistake. 0 alone is a default and says nothing. */
function codeFor(row: Columns): string | undefined {
  const flag = abnormalFlags.toFhir(row['abnormal_flag']);
  if (flag !== undefined) return flag;
  return Number(row['is_abnormal'] ?? 0) === 0 ? undefined : 'A';
}

function meaningOf(concept: CodeableConcept): Meaning {
  const codings = concept.coding ?? [];
  const meanings = codings.filter((coding) => systems.includes(coding.system)).map(({ code }) => meaningOfCode(code));
  const flag = urgency.find((one) => meanings.includes(one));
  const known = flag ?? meanings.find((meaning) => meaning === 'abnormal') ?? meanings.find((meaning) => meaning !== 'unknown');
  return known ?? (codings.length === 0 ? meaningOfText(concept.text) : 'unknown');
}

function meaningOfCode(code: string | undefined): Meaning {
  const flag = abnormalFlags.toRow(code);
  if (flag) return flag;
  return undirected.includes(code) ? 'abnormal' : notAbnormal.includes(code) ? 'unremarkable' : 'unknown';
}

/** A text alone: MediMax's own words, the codes themselves, and the usual English. */
function meaningOfText(text: string | undefined): Meaning {
  const word = text
    ?.trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');
  const flag = urgency.find((one) => one === word);
  if (flag) return flag;
  if (word === 'abnormal') return 'abnormal';
  return word === 'normal' ? 'unremarkable' : meaningOfCode(text?.trim().toUpperCase());
}
