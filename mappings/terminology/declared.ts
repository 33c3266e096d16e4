/** What the mappings' codes are, as plain data: served as CodeSystem, ValueSet and ConceptMap, printed in docs/terminology.md, cited by explain. */
import type { Coding } from 'fhir/r4.js';

export interface Concept {
  readonly code: string;
  readonly display?: string;
  readonly definition?: string;
}

/** The values of one MediMax column, or of several that share them. */
export interface Vocabulary {
  /** Id of its CodeSystem and of the ValueSet of all its codes: `medimax-severity`. */
  readonly id: string;
  readonly title: string;
  /** `Medical_History.severity`. */
  readonly columns: readonly string[];
  readonly concepts: readonly Concept[];
  /** False for texts: the column may hold anything, these are the words that are known. */
  readonly isComplete: boolean;
  readonly version?: string | undefined;
}

/** Codes of a code system of others that the gateway gives or knows. */
export interface CodeSet {
  readonly id: string;
  readonly title: string;
  readonly system: string;
  readonly concepts: readonly Concept[];
  readonly version?: string | undefined;
  readonly copyright?: string | undefined;
}

export interface MapRow {
  readonly from: Concept;
  readonly to: Coding;
  /** What else decides where one text has several codes: the kind of quantity of the result's unit. */
  readonly measures?: string;
}

/** One code table in one direction. */
export interface CodeMap {
  readonly id: string;
  readonly title: string;
  readonly columns: readonly string[];
  /** Where the codes stand in resources: `Patient.gender`. */
  readonly elements: readonly string[];
  readonly direction: 'read' | 'written';
  /** Code system of `from`: a vocabulary's id, or a full URL. */
  readonly fromSystem: string;
  readonly rows: readonly MapRow[];
  /** What all other codes become, where there is such a rule. */
  readonly otherwise?: Coding;
  readonly version?: string | undefined;
  readonly copyright?: string | undefined;
}

export interface Declared {
  readonly vocabularies: readonly Vocabulary[];
  readonly codeSets: readonly CodeSet[];
  readonly codeMaps: readonly CodeMap[];
}

/** Where a system is named by a vocabulary's id it is the gateway's own: `medimax-sex` → `<base>/CodeSystem/medimax-sex`. */
export function systemUrl(system: string, canonicalBase: string): string {
  return system.includes(':') ? system : `${canonicalBase}/CodeSystem/${system}`;
}
