/** The vocabulary of the mapping kit: how one resource type is made of one row, its relatives and its overlay. See docs/decisions/0001. */
import type { Reference, Resource } from 'fhir/r4.js';
import type { Issue, IssueCode } from '../fhir/outcome.ts';
import type { TableName } from './tables.ts';

/** A column's value as the driver gives it: text (dates and times too), integer or NULL. */
export type ColumnValue = string | number | null;

/** Columns by name, in MediMax's own spelling. */
export type Columns = Readonly<Record<string, ColumnValue>>;

/** A child row (Appointment_Symptom of an Appointment) and, where it is served as a resource of its own, that resource's id. */
export interface StoredChild {
  readonly row: Columns;
  readonly id: string | null;
}

/** What MediMax's tables hold of one resource: always one row, and its relatives where the source declares them. */
export interface Stored {
  readonly row: Columns;
  readonly parent: Columns | null;
  readonly children: readonly StoredChild[];
  /** FHIR id of the patient the row belongs to. */
  readonly patientId: string | null;
  /** FHIR id of the parent row's own resource (Appointment/ap-3), where the source names its type. */
  readonly parentId: string | null;
}

/** Where a resource's rows are. The fixed `where` makes Condition one slice of Medical_History. */
export interface Source {
  readonly table: TableName;
  readonly key: string;
  /** Prefix of the ids the gateway gives: `mh` makes `Condition/mh-7`. */
  readonly idPrefix: string;
  readonly where?: { readonly column: string; readonly value: string };
  /** Where patient_id is found; 'self' for Patient. */
  readonly patient: 'self' | 'row' | 'parent';
  readonly parent?: ParentSource;
  readonly child?: ChildSource;
  /** True for what has no row in MediMax: its `row` is `{rid, patient_id}` of the gateway's own books, all else is overlay. */
  readonly rowless?: true;
}

export interface ParentSource {
  readonly table: TableName;
  readonly key: string;
  /** The column of the source table that refers to the parent. */
  readonly foreignKey: string;
  /** The parent's own resource type, where the mapping needs its id. */
  readonly resourceType?: string;
  /** Prefix of the ids of the parent's own resource, where the gateway may have to make one. */
  readonly idPrefix?: string;
  /** True when several resources share one parent row (Lab_Report): then it is found or created by its columns, never edited in place. */
  readonly shared: boolean;
  /** The pair of the parent's own mapping that lists the rows below: where a client has listed them, no others are put under it. */
  readonly listedBy?: string;
}

export interface ChildSource {
  readonly table: TableName;
  readonly key: string;
  readonly foreignKey: string;
  /** The columns that this resource writes; a child matched by `matchOn` keeps its key and its other columns. */
  readonly columns: readonly string[];
  readonly matchOn: readonly string[];
  /** Type of the resource that a child row is served as (Observation for a symptom). */
  readonly resourceType?: string;
  /** True for rows that are there on their own (findings): taken in and let go, neither made nor deleted with the resource. */
  readonly taken?: true;
  /**
   * For rows of the resource's own table, tied to its row in the gateway's books: they are part of this resource, and none of their own.
   * `first` is the slice that the resource's own row makes of the list (`condition:first`).
   */
  readonly linked?: { readonly first: string };
}

/** Facts of this installation that mappings may use; they never query anything. */
export interface Env<Terms = unknown> {
  /** Base of local code systems and extensions, without a trailing slash. */
  readonly canonicalBase: string;
  readonly identifierSystem: string;
  /** IANA zone of the clinic's wall clock. */
  readonly zone: string;
  /** Today in the clinic's zone, `YYYY-MM-DD`. */
  readonly today: string;
  readonly terms: Terms;
  /** Length in minutes by appointment_type, where configured. */
  readonly appointmentMinutes: Readonly<Record<string, number>>;
  readonly refusePastAppointments: boolean;
  readonly showDefaultAllergySeverity: boolean;
}

/** A reference that must resolve before the columns can be written. */
export interface NeededReference {
  readonly reference: Reference;
  readonly target: string;
  /** FHIRPath of the reference, for the issue. */
  readonly expression: string;
  /** Only rows of this variant count; anything else, and nothing at all, is no key and no fault. */
  readonly optional?: { readonly variant: string };
}

/** What a pair may use while it turns elements into columns. */
export interface WriteContext<Terms = unknown> {
  readonly env: Env<Terms>;
  /** The whole incoming resource, for rules across elements. */
  readonly resource: Resource;
  /** The columns as they are now; null on create. */
  readonly current: Stored | null;
  /** Key of the row the reference names; refuses (and returns null) when it does not resolve. */
  key(needed: NeededReference): number | null;
  /** Adds an error: the write is refused with 422 after all pairs have spoken. */
  refuse(code: IssueCode, text: string, expression: string): void;
  /** Adds a warning or information that goes back to the client with the outcome. */
  tell(issue: Issue): void;
}

/** Columns that a pair writes: of the row itself, of its parent row, and the whole list of its child rows. */
export interface Written {
  readonly row?: Columns;
  readonly parent?: Columns;
  readonly children?: readonly Columns[];
}

/**
 * Some elements and some columns that belong together, with both directions side by side.
 * `L` is the lifted resource: the FHIR type plus its slices as keys of their own (`participant:patient`).
 */
export interface Pair<L, Terms = unknown> {
  /** Stable name: the key of its overlay entry. */
  readonly name: string;
  /** Paths in the lifted resource: `birthDate`, `onset[x]`, `participant:patient`, `participant:patient.status`. */
  readonly elements: readonly string[];
  /** Columns it reads: `sex`, `parent.lab_date`, `child.symptom_name`; `*` for all. A column is written by one pair only. */
  readonly columns: readonly string[];
  /** True when only the server says these elements (the MediMax identifier): never refined, removed from what a client sends. */
  readonly serverOwned?: true;
  /** True when `toFhir` depends on the day it is asked: what a client said is then always kept beside the columns. */
  readonly volatile?: true;
  /** For a list whose items come and go one by one: what a client said of it never goes stale as a whole. */
  readonly list?: ListMerge<L, Terms>;
  toFhir(stored: Stored, env: Env<Terms>): Partial<L>;
  /** Absent for pairs that only read. Returns only columns of `columns`. */
  toRow?(elements: Partial<L>, context: WriteContext<Terms>): Written;
  references?(elements: Partial<L>): readonly NeededReference[];
}

export interface ListMerge<L, Terms = unknown> {
  /** The rows of the list as they are; kept beside what the client says. */
  mark(stored: Stored): string;
  /** What the client said, without the rows that are gone since `mark`, with those that have come since. */
  merge(said: Partial<L>, mark: string, stored: Stored, env: Env<Terms>): Partial<L>;
}

/** One item of an array that pairs own on its own, lifted out as a key `array:name` (FHIR's notation for a slice). */
export interface Slice {
  /** `participant:patient`: the array's element, a colon, the slice's name. */
  readonly name: string;
  match(item: unknown, index: number, resource: unknown, env: Env): boolean;
}

/** One kind of row that a resource type is made from. Most types have one variant, Observation has four. */
export interface Variant<L = object, Terms = unknown> {
  readonly name: string;
  readonly source: Source;
  readonly slices?: readonly Slice[];
  readonly pairs: readonly Pair<L, Terms>[];
  /** Rules across elements, before any pair is asked; refusals and warnings go to the context. */
  check?(resource: L, context: WriteContext<Terms>): void;
}

export interface Mapping<L = object, Terms = unknown> {
  readonly resourceType: string;
  readonly variants: readonly Variant<L, Terms>[];
  /** The variant that keeps this (new) resource; needed where there are several. */
  choose?(resource: L): string;
  /** How a resource of this type says that it was withdrawn, where MediMax has no way to say so: it is then kept without a row. */
  readonly withdrawn?: Withdrawn<L>;
}

export interface Withdrawn<L = object> {
  /** The element that names the patient: `subject`, `patient`. */
  readonly patient: string;
  is(resource: L): boolean;
}
