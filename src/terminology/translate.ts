/** From a code to the codes our concept maps give it. https://hl7.org/fhir/R4/conceptmap-operation-translate.html */
import type { Coding, ConceptMap, ConceptMapGroup, ConceptMapGroupElementTarget } from 'fhir/r4.js';
import { sameCode } from './concept.ts';
import type { Terminology } from './store.ts';

export type Equivalence = ConceptMapGroupElementTarget['equivalence'];

export interface Match {
  readonly equivalence: Equivalence;
  readonly concept: Coding;
  /** The map that says so. */
  readonly map: string;
}

export interface Translation {
  readonly system: string;
  readonly code: string;
  readonly targetSystem?: string;
  /** From the target's side back to the source's. */
  readonly reverse: boolean;
}

export function translate(terminology: Terminology, maps: readonly ConceptMap[], wanted: Translation): readonly Match[] {
  return maps.flatMap((map) =>
    (map.group ?? []).flatMap((group) => {
      const { source = '', target = '' } = group;
      const [from, to] = wanted.reverse ? [target, source] : [source, target];
      if (from !== wanted.system || (wanted.targetSystem !== undefined && to !== wanted.targetSystem)) return [];
      const same = (code: string | undefined) =>
        code !== undefined && sameCode(terminology.codeSystem(from)?.caseSensitive ?? true, code, wanted.code);
      const found = wanted.reverse ? backwards(group, same) : forwards(group, same);
      return found.map(
        ({ equivalence, concept }): Match => ({ equivalence, concept: { system: to, ...concept }, map: map.url ?? '' }),
      );
    }),
  );
}

type Found = Omit<Match, 'map'>;
type SameCode = (code: string | undefined) => boolean;

function forwards({ element, unmapped }: ConceptMapGroup, same: SameCode): readonly Found[] {
  const found = element.find(({ code }) => same(code));
  if (found === undefined)
    return unmapped?.code === undefined ? [] : [{ equivalence: 'inexact', concept: { code: unmapped.code } }];
  const targets = found.target ?? [];
  return targets.map(({ code, display, equivalence, dependsOn }) => ({
    // Which of several is meant depends on more than the code.
    equivalence: targets.length > 1 && dependsOn ? 'inexact' : equivalence,
    concept: codingOf(code, display),
  }));
}

const inverse: Partial<Record<Equivalence, Equivalence>> = { wider: 'narrower', narrower: 'wider' };

function backwards({ element }: ConceptMapGroup, same: SameCode): readonly Found[] {
  return element.flatMap(({ code, display, target = [] }) =>
    target
      .filter((one) => same(one.code))
      .map(({ equivalence }) => ({ equivalence: inverse[equivalence] ?? equivalence, concept: codingOf(code, display) })),
  );
}

function codingOf(code: string | undefined, display: string | undefined): Coding {
  return { ...(code === undefined ? {} : { code }), ...(display === undefined ? {} : { display }) };
}
