/** A plain model of what the resources' versions must be: rows in maps, rules written out once more, nothing shared with the triggers. */

export type Value = string | number | null;
export type ModelRow = Record<string, Value>;

/** What the model knows of one resource: per version its content as first read, null for a deletion, undefined until read. */
export interface Versions {
  state: 'living' | 'deleted';
  readonly contents: (string | null | undefined)[];
}

interface TableRules {
  readonly key: string;
  readonly belongsTo?: { readonly table: string; readonly column: string };
  readonly prefix: string;
  readonly type: (row: ModelRow) => string | null;
  /** Columns whose change also changes the resource of the row above. */
  readonly shownAbove?: readonly string[];
  /** Whether the resource shows when its row was made. */
  readonly showsCreation?: true;
  /** Columns whose change also changes the resources of the rows below. */
  readonly shownBelow?: readonly string[];
}

const historyTypes: Readonly<Record<string, string>> = {
  condition: 'Condition',
  allergy: 'AllergyIntolerance',
  surgery: 'Procedure',
  family_history: 'FamilyMemberHistory',
  lifestyle: 'Observation',
  other: 'Observation',
};

const ofPatient = { table: 'Patient', column: 'patient_id' };

export const rules: Readonly<Record<string, TableRules>> = {
  Patient: { key: 'patient_id', prefix: 'pt', type: () => 'Patient' },
  Medical_History: {
    key: 'history_id',
    prefix: 'mh',
    belongsTo: ofPatient,
    type: (row) => historyTypes[String(row['history_type'])] ?? null,
  },
  Appointment: {
    key: 'appointment_id',
    prefix: 'ap',
    belongsTo: ofPatient,
    type: () => 'Appointment',
    showsCreation: true,
    shownBelow: ['patient_id', 'appointment_date'],
  },
  Appointment_Symptom: {
    key: 'symptom_id',
    prefix: 'sy',
    belongsTo: { table: 'Appointment', column: 'appointment_id' },
    type: () => 'Observation',
    shownAbove: ['symptom_name'],
  },
  Medication: { key: 'medication_id', prefix: 'md', belongsTo: ofPatient, type: () => 'MedicationStatement' },
  Medication_Purpose: {
    key: 'purpose_id',
    prefix: 'none',
    belongsTo: { table: 'Medication', column: 'medication_id' },
    type: () => null,
    shownAbove: ['condition_name', 'purpose_description'],
  },
  Lab_Report: {
    key: 'lab_report_id',
    prefix: 'lr',
    belongsTo: ofPatient,
    type: () => 'DiagnosticReport',
    showsCreation: true,
    shownBelow: ['patient_id', 'lab_date', 'lab_type', 'ordering_doctor', 'lab_facility'],
  },
  Lab_Finding: {
    key: 'lab_finding_id',
    prefix: 'lf',
    belongsTo: { table: 'Lab_Report', column: 'lab_report_id' },
    type: () => 'Observation',
    shownAbove: [],
  },
};

export class Model {
  private readonly registered: ReadonlySet<string>;
  tables: Map<string, Map<number, ModelRow>>;
  resources: Map<string, Versions>;
  private touched = new Map<string, 'living' | 'deleted'>();

  constructor(registered: readonly string[]) {
    this.registered = new Set(registered);
    this.tables = new Map(Object.keys(rules).map((table) => [table, new Map()]));
    this.resources = new Map();
  }

  /** What is to be restored when the transaction is rolled back. */
  snapshot(): () => void {
    const { tables, resources } = structuredClone({ tables: this.tables, resources: this.resources });
    return () => {
      this.tables = tables;
      this.resources = resources;
    };
  }

  rows(table: string): Map<number, ModelRow> {
    const found = this.tables.get(table);
    if (!found) throw new Error(`no table ${table}`);
    return found;
  }

  below(table: string, key: number): { readonly table: string; readonly key: number; readonly row: ModelRow }[] {
    return Object.entries(rules).flatMap(([name, { belongsTo }]) =>
      belongsTo?.table === table
        ? [...this.rows(name)]
            .filter(([, row]) => row[belongsTo.column] === key)
            .map(([below, row]) => ({ table: name, key: below, row }))
        : [],
    );
  }

  insert(table: string, key: number, row: ModelRow): void {
    this.rows(table).set(key, row);
    this.touch(table, key, row, 'living');
    this.touchAbove(table, row);
  }

  update(table: string, key: number, changes: ModelRow): void {
    const before = this.rows(table).get(key);
    if (!before) return;
    const changed = Object.keys(changes).filter((column) => before[column] !== changes[column]);
    if (changed.length === 0) return;
    const row = { ...before, ...changes };
    this.rows(table).set(key, row);
    const { type, belongsTo, shownAbove = [], shownBelow = [] } = rule(table);
    if (type(before) !== type(row)) this.touch(table, key, before, 'deleted');
    this.touch(table, key, row, 'living');
    const moved = belongsTo !== undefined && changed.includes(belongsTo.column);
    if (moved || changed.some((column) => shownAbove.includes(column))) {
      this.touchAbove(table, before);
      this.touchAbove(table, row);
    }
    if (changed.some((column) => shownBelow.includes(column))) {
      for (const below of this.below(table, key)) this.touch(below.table, below.key, below.row, 'living');
    }
  }

  /** A row deleted and inserted by one statement: what hangs on it falls, and of the rest only what differs is a change. */
  replace(table: string, key: number, row: ModelRow): void {
    if (!this.rows(table).has(key)) {
      this.insert(table, key, row);
      return;
    }
    const below = this.below(table, key);
    for (const one of below) this.fall(one.table, one.key, one.row);
    this.update(table, key, row);
    const isShown = rule(table).showsCreation || below.some((one) => rule(one.table).shownAbove);
    if (isShown) this.touch(table, key, this.rows(table).get(key) ?? row, 'living');
  }

  remove(table: string, key: number): void {
    const row = this.rows(table).get(key);
    if (!row) return;
    this.touchAbove(table, row);
    this.fall(table, key, row);
  }

  /** Everything touched since the last statement moves on by exactly one version. Returns the names of those resources. */
  endStatement(): string[] {
    const names = [...this.touched.keys()];
    for (const [name, state] of this.touched) {
      const known = this.resources.get(name);
      // Made and removed by one statement: never there.
      if (!known && state === 'deleted') continue;
      const versions = known ?? { state, contents: [] };
      versions.state = state;
      versions.contents.push(state === 'deleted' ? null : undefined);
      this.resources.set(name, versions);
    }
    this.touched = new Map();
    return names;
  }

  forgetStatement(): void {
    this.touched = new Map();
  }

  /** A resource that the gateway itself has written. */
  wrote(name: string, state: 'living' | 'deleted'): void {
    this.touched.set(name, state);
  }

  nameOf(table: string, key: number, row: ModelRow): string | null {
    const { type, prefix } = rule(table);
    const resourceType = type(row);
    return resourceType !== null && this.registered.has(resourceType) ? `${resourceType}/${prefix}-${key}` : null;
  }

  private fall(table: string, key: number, row: ModelRow): void {
    for (const below of this.below(table, key)) this.fall(below.table, below.key, below.row);
    this.rows(table).delete(key);
    this.touch(table, key, row, 'deleted');
  }

  private touch(table: string, key: number, row: ModelRow, state: 'living' | 'deleted'): void {
    const name = this.nameOf(table, key, row);
    if (name !== null) this.touched.set(name, state);
  }

  private touchAbove(table: string, row: ModelRow): void {
    const { belongsTo, shownAbove } = rule(table);
    if (!belongsTo || !shownAbove) return;
    const key = Number(row[belongsTo.column]);
    const above = this.rows(belongsTo.table).get(key);
    if (above) this.touch(belongsTo.table, key, above, 'living');
  }
}

export function rule(table: string): TableRules {
  const found = rules[table];
  if (!found) throw new Error(`no table ${table}`);
  return found;
}
