/** What each trigger does, in the order of locks that keeps writers of relatives apart: rows below, resource above, itself, resources below. */
import { type CompiledVariant, keptName } from '../../mapping/compile.ts';
import type { Registry } from '../../mapping/registry.ts';
import { type TableName, tables } from '../../mapping/tables.ts';
import { allBits, anyChanged, parentColumns, staleBits, versionColumns } from './changed.ts';
import { childrenBeforeArrival, childrenBeforeChange, documentOf, rowlessDocument } from './document.ts';
import type { SchemaFacts } from './facts.ts';
import { type Layer, layersOf } from './layers.ts';
import { appear, forEach, lock, moveOn, toDeleted, when } from './steps.ts';

export type TriggerEvent = 'arrive' | 'insert' | 'update' | 'delete';

export interface Body {
  /** When there is anything to do at all; checked before anything else. */
  readonly condition: string;
  /** Empty when this table's rows are of no interest to any mapping. */
  readonly statements: string;
}

export function bodyOf(registry: Registry, table: TableName, event: TriggerEvent, facts: SchemaFacts): Body {
  const statements = { arrive: onArrive, insert: onInsert, update: onUpdate, delete: onDelete }
    [event](registry, table, facts)
    .filter((part) => part !== '')
    .join('\n');
  return { condition: event === 'update' ? anyRelevantChange(registry, table) : 'TRUE', statements };
}

/**
 * A new row waits for its parent row before it is there, not after, as the foreign key would: whoever changes the parent locks the rows
 * below, and the two would wait for each other for ever.
 */
function onArrive(registry: Registry, table: TableName): string[] {
  const { belongsTo } = tables[table];
  if (!belongsTo || !childrenBelow(registry, belongsTo.table).some(({ variant }) => variant.source.table === table)) return [];
  const above = `${belongsTo.table} p WHERE p.${tables[belongsTo.table].key} = NEW.${belongsTo.column}`;
  return [lockAll(belongsTo.table, above, 'p')];
}

function onInsert(registry: Registry, table: TableName, facts: SchemaFacts): string[] {
  const above = parentsAbove(registry, table).map((variant) =>
    moveParent(variant, 'NEW', `(${allBits(variant, 'child')})`, childrenBeforeArrival, facts),
  );
  return [...above, ...layersOf(registry, table).map((layer) => appearing(layer, table))];
}

function onUpdate(registry: Registry, table: TableName, facts: SchemaFacts): string[] {
  const { key } = tables[table];
  const below = childrenBelow(registry, table);
  const lockBelow = below.map((variant) => {
    const { source } = variant.variant;
    const lockRows = lockAll(source.table, `${source.table} c WHERE c.${foreignKey(variant)} = OLD.${key}`);
    return when(anyChanged(table, parentColumns(variant)), lockRows);
  });
  const above = parentsAbove(registry, table).flatMap((variant) => {
    const { child } = variant.variant.source;
    if (!child) return [];
    const moved = anyChanged(table, [child.foreignKey]);
    const shown = anyChanged(table, [...child.columns, child.foreignKey]);
    const bits = `(${staleBits(variant, 'child', table)} | IF(${moved}, ${allBits(variant, 'child')}, 0))`;
    return [
      when(shown, moveParent(variant, 'OLD', bits, childrenBeforeChange, facts)),
      when(moved, moveParent(variant, 'NEW', `(${allBits(variant, 'child')})`, childrenBeforeArrival, facts)),
    ];
  });
  const own = layersOf(registry, table).map((layer) => changing(layer, table, facts));
  const inherited = below.map((variant) => when(anyChanged(table, parentColumns(variant)), moveChildren(variant, table, facts)));
  const rekeyed = when(anyChanged(table, [key]), note(table, `OLD.${key}`, '0', "'the key of a row was changed'"));
  return [...lockBelow, ...above, ...own, ...inherited, rekeyed];
}

/** Rows below go by the foreign key, which fires no trigger (S10): their resources are taken along while the rows are still there. */
function onDelete(registry: Registry, table: TableName, facts: SchemaFacts): string[] {
  const falling = fallingWith(table, facts).filter(({ table: below }) => layersOf(registry, below).length > 0);
  const lockRows = falling.map(({ table: below, rows }) => lockAll(below, rows));
  const above = parentsAbove(registry, table).map((variant) =>
    moveParent(variant, 'OLD', `(${allBits(variant, 'child')})`, null, facts),
  );
  const own = layersOf(registry, table).map((layer) => vanishing(layer, table, 'OLD', facts));
  const holders = holdersIn(registry, table).map(
    ({ resourceType }) =>
      `DELETE FROM fhir_resource WHERE type = '${resourceType}' AND variant = '${table}' AND source_key = OLD.${tables[table].key} AND state = 2;`,
  );
  const below = falling.flatMap(({ table: under, rows }) => {
    const { key } = tables[under];
    const bodies = layersOf(registry, under).map((layer) => vanishingByKey(layer, under, facts));
    return bodies.length === 0
      ? []
      : [forEach('fhir_key', `SELECT c.${key} FROM ${rows} ORDER BY c.${key} LOCK IN SHARE MODE`, bodies.join('\n'))];
  });
  const rowless = table === 'Patient' && registry.mappings.some(({ kept }) => kept) ? [vanishingRowless] : [];
  return [...lockRows, ...above, ...own, ...holders, ...below, ...rowless];
}

/** What was withdrawn has no row that could fall with the patient's; its resources go all the same. */
const vanishingRowless = forEach(
  'fhir_kept',
  `SELECT rid FROM fhir_resource WHERE patient_key = OLD.patient_id AND variant = '${keptName}' AND state = 0 ORDER BY rid`,
  [
    'SELECT MAX(rid), MAX(tx) INTO fhir_rid, fhir_tx FROM fhir_resource WHERE rid = fhir_kept FOR UPDATE;',
    moveOn({
      doc: `SELECT MAX(${rowlessDocument}) INTO fhir_doc FROM fhir_resource k WHERE k.rid = fhir_kept;`,
      isLong: false,
      sets: toDeleted,
      patientKey: 'patient_key',
    }),
  ].join('\n'),
);

/**
 * Waits for whoever is changing these rows before any resource is locked, and reads them as they are, not as a snapshot has them.
 * Every column is read, as an index alone would not be locked as the rows are; shared, as FOR UPDATE would count as writing to a table
 * that MediMax's own statement may be using (error 1442).
 */
function lockAll(table: TableName, rows: string, alias = 'c'): string {
  const all = Object.keys(tables[table].columns).map((column) => `${alias}.${column}`);
  return `SELECT COUNT(CONCAT_WS('', ${all.join(', ')})) INTO fhir_n FROM ${rows} LOCK IN SHARE MODE;`;
}

/** Tables whose rows the server deletes with a row of this one, and those rows as a FROM clause with alias c. */
function fallingWith(table: TableName, facts: SchemaFacts): { readonly table: TableName; readonly rows: string }[] {
  const found: { table: TableName; rows: string }[] = [];
  const names = Object.keys(tables) as TableName[];
  const below = (above: TableName) =>
    names.filter((name) => tables[name].belongsTo?.table === above && facts.cascading.has(name));
  for (const child of below(table)) {
    const column = tables[child].belongsTo?.column;
    found.push({ table: child, rows: `${child} c WHERE c.${column} = OLD.${tables[table].key}` });
    for (const grandchild of below(child)) {
      const up = tables[grandchild].belongsTo?.column;
      found.push({
        table: grandchild,
        rows: `${child} m STRAIGHT_JOIN ${grandchild} c ON c.${up} = m.${tables[child].key} WHERE m.${column} = OLD.${tables[table].key}`,
      });
    }
  }
  return found;
}

/** Variants whose resource lists rows of this table as its children. */
function parentsAbove(registry: Registry, table: TableName): readonly CompiledVariant[] {
  return registry.ofTable(table).filter(({ variant }) => variant.source.child?.table === table);
}

/** Variants whose resource shows columns of this table as its parent's. */
function childrenBelow(registry: Registry, table: TableName): readonly CompiledVariant[] {
  return registry
    .ofTable(table)
    .filter((compiled) => compiled.variant.source.parent?.table === table && parentColumns(compiled).length > 0);
}

/** Types under which the gateway keeps rows of this table that it made for others. */
function holdersIn(registry: Registry, table: TableName): readonly { readonly resourceType: string }[] {
  const types = registry
    .ofTable(table)
    .flatMap(({ variant: { source } }) =>
      source.parent?.table === table && source.parent.shared && source.parent.resourceType ? [source.parent.resourceType] : [],
    );
  return [...new Set(types)].map((resourceType) => ({ resourceType }));
}

function foreignKey({ variant }: CompiledVariant): string {
  return variant.source.parent?.foreignKey ?? '';
}

/** The resource that lists this row (OLD or NEW) as a child moves on. */
function moveParent(
  variant: CompiledVariant,
  row: 'OLD' | 'NEW',
  bits: string,
  childrenBefore: ((child: NonNullable<CompiledVariant['variant']['source']['child']>, facts: SchemaFacts) => string) | null,
  facts: SchemaFacts,
): string {
  const { source } = variant.variant;
  if (!source.child) return '';
  const key = `${row}.${source.child.foreignKey}`;
  const children = childrenBefore ? { children: childrenBefore(source.child, facts) } : {};
  const doc = `SELECT (SELECT ${documentOf(variant, { row: 'q', ...children }, facts)} FROM ${source.table} q WHERE q.${source.key} = ${key}) INTO fhir_doc;`;
  const sets = bits === '(0)' ? [] : [`refined = refined & ~${bits}`];
  return [
    lock({ type: `'${variant.resourceType}'`, variant: `'${variant.name}'`, key }),
    moveOn({ doc, isLong: true, sets, patientKey: 'patient_key' }),
  ].join('\n');
}

/** Resources made of the rows below, which show what has changed here. */
function moveChildren(variant: CompiledVariant, table: TableName, facts: SchemaFacts): string {
  const { source } = variant.variant;
  const { key } = tables[table];
  const doc = `SELECT ${documentOf(variant, { row: 'c', parent: 'OLD' }, facts)} INTO fhir_doc FROM ${source.table} c WHERE c.${source.key} = fhir_key LOCK IN SHARE MODE;`;
  const follows = source.patient === 'parent' && 'patient_id' in tables[table].columns;
  const body = [
    lock({ type: `'${variant.resourceType}'`, variant: `'${variant.name}'`, key: 'fhir_key' }),
    moveOn({
      doc,
      isLong: source.child !== undefined,
      sets: [`refined = refined & ~${staleBits(variant, 'parent', table)}`],
      patientKey: follows ? 'NEW.patient_id' : 'patient_key',
    }),
  ].join('\n');
  return forEach(
    'fhir_key',
    `SELECT c.${source.key} FROM ${source.table} c WHERE c.${foreignKey(variant)} = OLD.${key} ORDER BY c.${source.key} LOCK IN SHARE MODE`,
    body,
  );
}

function appearing(layer: Layer, table: TableName): string {
  const body = appear({
    type: 'fhir_type',
    variant: 'fhir_variant',
    key: `NEW.${tables[table].key}`,
    idPrefix: layer.idPrefix('NEW'),
    findPatient: findPatient(layer, 'NEW'),
  });
  return `${classify(layer, 'NEW')}\n${when('fhir_type IS NOT NULL', body)}`;
}

const classify = (layer: Layer, alias: string) => `SET fhir_type = ${layer.type(alias)}, fhir_variant = ${layer.variant(alias)};`;

/** Sources of a layer have one shape: the same table, parent and children. */
function first({ variants }: Layer): CompiledVariant {
  const [variant] = variants;
  if (!variant) throw new Error('a layer has at least one variant');
  return variant;
}

/** Sets `fhir_patient`. The foreign key has just locked the row above in the same way. */
function findPatient(layer: Layer, alias: string): string {
  const { source } = first(layer).variant;
  if (source.patient !== 'parent' || !source.parent) return `SET fhir_patient = ${alias}.patient_id;`;
  const { table, key, foreignKey: column } = source.parent;
  return `SELECT MAX(p.patient_id) INTO fhir_patient FROM ${table} p WHERE p.${key} = ${alias}.${column} LOCK IN SHARE MODE;`;
}

function vanishing(layer: Layer, table: TableName, alias: string, facts: SchemaFacts): string {
  const variant = first(layer);
  const key = `${alias}.${tables[table].key}`;
  const body = [
    lock({ type: 'fhir_type', variant: 'fhir_variant', key }),
    moveOn({
      doc: `SELECT ${documentOf(variant, { row: alias }, facts)} INTO fhir_doc;`,
      isLong: variant.variant.source.child !== undefined,
      sets: toDeleted,
      patientKey: 'patient_key',
    }),
  ].join('\n');
  return `${classify(layer, alias)}\n${when('fhir_type IS NOT NULL', body)}`;
}

/** The row `fhir_key` of the table, which the server is about to delete by a foreign key. */
function vanishingByKey(layer: Layer, table: TableName, facts: SchemaFacts): string {
  const variant = first(layer);
  const { key } = tables[table];
  const from = `FROM ${table} c WHERE c.${key} = fhir_key`;
  const body = [
    lock({ type: 'fhir_type', variant: 'fhir_variant', key: 'fhir_key' }),
    moveOn({
      doc: `SELECT ${documentOf(variant, { row: 'c' }, facts)} INTO fhir_doc ${from} LOCK IN SHARE MODE;`,
      isLong: variant.variant.source.child !== undefined,
      sets: toDeleted,
      patientKey: 'patient_key',
    }),
  ].join('\n');
  const classified = variant.variant.source.where
    ? `SELECT MAX(${layer.type('c')}), MAX(${layer.variant('c')}) INTO fhir_type, fhir_variant ${from} LOCK IN SHARE MODE;`
    : classify(layer, 'c'); // constants
  return `${classified}\n${when('fhir_type IS NOT NULL', body)}`;
}

/** A row of this layer has changed: the same resource, another kind of the same resource, or another resource altogether. */
function changing(layer: Layer, table: TableName, facts: SchemaFacts): string {
  const variant = first(layer);
  const { source } = variant.variant;
  const key = `OLD.${tables[table].key}`;
  const changed = anyChanged(table, versionColumns(table, layer.variants));
  const doc = `SELECT ${documentOf(variant, { row: 'OLD' }, facts)} INTO fhir_doc;`;
  const isLong = source.child !== undefined;
  const follows = source.parent !== undefined && source.patient === 'parent';
  const moved = source.parent ? `NOT (OLD.${source.parent.foreignKey} <=> NEW.${source.parent.foreignKey})` : 'FALSE';
  const patientKey = follows ? `IF(${moved}, fhir_patient, patient_key)` : 'NEW.patient_id';
  const patient = follows ? [when(moved, findPatient(layer, 'NEW'))] : [];
  const move = (sets: readonly string[], patientKey: string) =>
    [...patient, lock({ type: 'fhir_type', variant: 'fhir_variant', key }), moveOn({ doc, isLong, sets, patientKey })].join('\n');
  const stale = `refined = refined & ~${layer.choose('OLD', (one) => staleBits(one, 'row', table))}`;
  const movedBelow = source.parent
    ? `refined = refined & ~IF(OLD.${source.parent.foreignKey} <=> NEW.${source.parent.foreignKey}, 0, ${allBits(variant, 'parent')})`
    : null;
  const same = move([stale, ...(movedBelow ? [movedBelow] : [])], patientKey);
  if (!source.where) return when(changed, `${classify(layer, 'NEW')}\n${same}`);
  const retyped = move(['variant = fhir_new_variant', 'refined = 0', 'overlay = NULL'], patientKey);
  const appears = appear({
    type: 'fhir_type',
    variant: 'fhir_variant',
    key: `NEW.${tables[table].key}`,
    idPrefix: layer.idPrefix('NEW'),
    findPatient: findPatient(layer, 'NEW'),
  });
  const otherKind = `SET fhir_new_type = ${layer.type('NEW')}, fhir_new_variant = ${layer.variant('NEW')};
IF fhir_type = fhir_new_type THEN
  ${retyped}
ELSE
  ${when('fhir_type IS NOT NULL', move(toDeleted, 'patient_key'))}
  SET fhir_type = fhir_new_type, fhir_variant = fhir_new_variant;
  ${when('fhir_type IS NOT NULL', appears)}
END IF;`;
  return when(
    changed,
    `${classify(layer, 'OLD')}
IF OLD.${source.where.column} <=> NEW.${source.where.column} THEN
  ${when('fhir_type IS NOT NULL', same)}
ELSE
${otherKind}
END IF;`,
  );
}

/** Every column that matters to a resource made of, above or below a row of this table. */
function anyRelevantChange(registry: Registry, table: TableName): string {
  const own = layersOf(registry, table).flatMap((layer) => versionColumns(table, layer.variants));
  const above = parentsAbove(registry, table).flatMap(({ variant: { source } }) =>
    source.child ? [...source.child.columns, source.child.foreignKey] : [],
  );
  const below = childrenBelow(registry, table).flatMap(parentColumns);
  return anyChanged(table, [...new Set([tables[table].key, ...own, ...above, ...below])]);
}

/** Remembers, where `check` and the sweep look, that the books are not as they should be. */
export function note(table: TableName, key: string, errno: string, text: string): string {
  return `INSERT INTO fhir_trouble (noted, place, source_key, errno, text) VALUES (fhir_now, '${table}', ${key}, ${errno}, LEFT(${text}, 500));`;
}
