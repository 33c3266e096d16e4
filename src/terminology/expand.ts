/** The codes of a value set. https://hl7.org/fhir/R4/valueset-operation-expand.html */
import type { ValueSet } from 'fhir/r4.js';
import { fold } from '../../mappings/terms/fold.ts';
import { sameCode } from './concept.ts';
import type { Terminology } from './store.ts';

export interface Member {
  readonly system: string;
  readonly code: string;
  readonly display?: string;
}

/** All codes, in the order in which they are declared. */
export function membersOf(terminology: Terminology, valueSet: ValueSet): readonly Member[] {
  return (valueSet.compose?.include ?? []).flatMap(({ system = '', concept }) => {
    const listed = concept ?? terminology.codeSystem(system)?.concept ?? [];
    return listed.map(({ code, display }): Member => (display === undefined ? { system, code } : { system, code, display }));
  });
}

/** Codes with every word of the filter in their code or display, wherever in it. */
export function filtered(members: readonly Member[], filter: string): readonly Member[] {
  const wanted = fold(filter).split(/\s+/).filter(Boolean);
  return members.filter(({ code, display = '' }) => {
    const text = fold(`${code} ${display}`);
    return wanted.every((word) => text.includes(word));
  });
}

/** The member with this code; undefined system: of any system. */
export function memberOf(
  terminology: Terminology,
  valueSet: ValueSet,
  system: string | undefined,
  code: string,
): Member | undefined {
  return membersOf(terminology, valueSet).find((member) => {
    if (system !== undefined && member.system !== system) return false;
    return sameCode(terminology.codeSystem(member.system)?.caseSensitive ?? true, member.code, code);
  });
}

/** For search by `:in`: every code of the value set; undefined when the gateway does not hold it. */
export function codesOfValueSet(terminology: Terminology, url: string): readonly Member[] | undefined {
  const valueSet = terminology.valueSet(url);
  return valueSet && membersOf(terminology, valueSet);
}
