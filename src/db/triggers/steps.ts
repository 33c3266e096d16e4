/**
 * Reads of MediMax's tables are SELECT … INTO throughout: InnoDB then reads without locks, where it would lock rows for a subquery of SET
 * or INSERT, and two of MediMax's writers could meet in a deadlock that is not theirs.
 * The statements that triggers are made of. All of them work on one resource at a time, found and locked first: a set-wise UPDATE
 * would take shared locks before exclusive ones, and MediMax's sessions would meet in deadlocks that they do not know.
 */

import { keptName } from '../../mapping/compile.ts';
import { rowlessDocument } from './document.ts';

export interface Address {
  /** SQL expressions. */
  readonly type: string;
  readonly variant: string;
  readonly key: string;
}

/** `fhir_rid` and `fhir_tx` of the living resource, locked; NULL where there is none. */
export function lock({ type, variant, key }: Address): string {
  return `SET fhir_rid = NULL;
SELECT MAX(rid), MAX(tx) INTO fhir_rid, fhir_tx FROM fhir_resource WHERE type = ${type} AND variant = ${variant} AND source_key = ${key} AND state = 0 FOR UPDATE;`;
}

export interface Move {
  /** Statement that sets `fhir_doc` to the document of the state before MediMax's statement. */
  readonly doc: string;
  /** True when the document lists children, whose text must not be cut. */
  readonly isLong: boolean;
  /** Further assignments: they are made again when a further row of the same statement changes the same resource. */
  readonly sets: readonly string[];
  /** patient_key from now on, as an expression over `fhir_resource`. */
  readonly patientKey: string;
}

/**
 * The present version's entry in the feed. By VALUES: INSERT … SELECT would hold the lock on the feed's numbers until MediMax's
 * statement ends, and its writers would wait for each other there, or meet in deadlocks.
 */
const enterChange = `SELECT MAX(version), MAX(patient_key) INTO fhir_made, fhir_owner FROM fhir_resource WHERE rid = fhir_rid;
    INSERT INTO fhir_change (rid, version, patient_key) VALUES (fhir_rid, fhir_made, fhir_owner);`;

/** The locked resource moves on by one version, once a statement. */
export function moveOn({ doc, isLong, sets, patientKey }: Move): string {
  const kept =
    'SELECT rid, version, variant, last_updated, state, refined, origin, fhir_doc, overlay FROM fhir_resource WHERE rid = fhir_rid';
  const moved = patientKey === 'patient_key' ? sets : [...sets, `patient_key = ${patientKey}`];
  const again =
    moved.length === 0
      ? ''
      : `ELSE
    UPDATE fhir_resource SET ${moved.join(', ')} WHERE rid = fhir_rid;\n`;
  return `IF fhir_rid IS NOT NULL THEN
  IF fhir_tx <> fhir_mark THEN
    ${isLong ? atLength(doc) : doc}
    INSERT INTO fhir_version (rid, version, variant, last_updated, state, refined, origin, doc, overlay) ${kept};
    UPDATE fhir_resource SET ${[
      'version = version + 1',
      'last_updated = GREATEST(fhir_now, last_updated + INTERVAL 1 MICROSECOND)',
      "origin = 'medimax'",
      'tx = fhir_mark',
      ...moved,
    ].join(', ')} WHERE rid = fhir_rid;
    ${enterChange}
  ${again}END IF;
END IF;`;
}

/** The session's limit for joined texts is MediMax's; it is lifted for one statement. */
function atLength(statement: string): string {
  return `SET fhir_room = @@SESSION.group_concat_max_len, SESSION group_concat_max_len = 16777216;
    ${statement}
    SET SESSION group_concat_max_len = fhir_room;`;
}

export const toDeleted: readonly string[] = ['state = 1', 'refined = 0', 'overlay = NULL'];

/** A row appears: its resource begins, or goes on where a row of this key was before. `fhir_type` NULL: it is none. */
export function appear(address: Address & { readonly idPrefix: string; readonly findPatient: string }): string {
  const { type, variant, key, idPrefix, findPatient } = address;
  const id = `CONCAT(${idPrefix}, '-', ${key})`;
  return `${findPatient}
SET fhir_state = 0;
BEGIN
  DECLARE CONTINUE HANDLER FOR 1062 SET fhir_state = 1;
  INSERT INTO fhir_resource (type, id, variant, source_key, patient_key, version, last_updated, state, tx, refined, origin)
    VALUES (${type}, ${id}, ${variant}, ${key}, fhir_patient, 1, fhir_now, 0, fhir_mark, 0, 'medimax');
END;
IF fhir_state = 0 THEN
  INSERT INTO fhir_change (rid, version, patient_key) VALUES (LAST_INSERT_ID(), 1, fhir_patient);
ELSE
  SELECT MAX(rid), MAX(tx), MAX(state) INTO fhir_rid, fhir_tx, fhir_state FROM fhir_resource
    WHERE type = ${type} AND variant = ${variant} AND source_key = ${key} FOR UPDATE;
  IF fhir_rid IS NULL THEN
    SELECT MAX(rid), MAX(tx), MAX(state) INTO fhir_rid, fhir_tx, fhir_state FROM fhir_resource WHERE type = ${type} AND id = ${id} FOR UPDATE;
  END IF;
  IF fhir_state = 2 THEN
    UPDATE fhir_resource SET last_updated = GREATEST(fhir_now, last_updated), tx = fhir_mark, patient_key = fhir_patient WHERE rid = fhir_rid;
    ${enterChange}
  ELSEIF fhir_tx <> fhir_mark THEN
    INSERT INTO fhir_version (rid, version, variant, last_updated, state, refined, origin, doc, overlay)
      SELECT rid, version, variant, last_updated, state, refined, origin, IF(state = 0 AND variant = '${keptName}', ${rowlessDocument}, NULL), overlay
      FROM fhir_resource k WHERE rid = fhir_rid;
    UPDATE fhir_resource SET version = version + 1, last_updated = GREATEST(fhir_now, last_updated + INTERVAL 1 MICROSECOND), tx = fhir_mark, patient_key = fhir_patient WHERE rid = fhir_rid;
    ${enterChange}
  END IF;
  UPDATE fhir_resource SET variant = ${variant}, source_key = ${key}, patient_key = fhir_patient, state = 0, refined = 0, origin = 'medimax', overlay = NULL
    WHERE rid = fhir_rid;
END IF;`;
}

/** Does `body` for each key that `select` (one column) gives. */
export function forEach(name: string, select: string, body: string): string {
  return `BEGIN
  DECLARE fhir_done BOOLEAN DEFAULT FALSE;
  DECLARE ${name} BIGINT UNSIGNED;
  DECLARE fhir_rows CURSOR FOR ${select};
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET fhir_done = TRUE;
  OPEN fhir_rows;
  fhir_each: LOOP
    FETCH fhir_rows INTO ${name};
    IF fhir_done THEN LEAVE fhir_each; END IF;
${indent(body, 4)}
  END LOOP;
  CLOSE fhir_rows;
END;`;
}

export function when(condition: string, body: string): string {
  return condition === 'FALSE' || body === '' ? '' : `IF ${condition} THEN\n${indent(body, 2)}\nEND IF;`;
}

export function indent(text: string, spaces: number): string {
  return text.replace(/^(?=.)/gm, ' '.repeat(spaces));
}
