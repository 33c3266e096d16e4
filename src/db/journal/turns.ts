/** What one statement of MediMax's makes of each resource that it concerns: it appears, changes, becomes another kind, or goes. */
import { type CompiledVariant, keptName } from '../../mapping/compile.ts';
import type { Registry } from '../../mapping/registry.ts';
import { replaceFirst } from '../../mapping/replace-first.ts';
import type { Env, Stored } from '../../mapping/types.ts';
import { overlayText } from '../books.ts';
import { parseOverlay } from '../select.ts';
import { projectionOf, staleBitsBetween } from '../stored-difference.ts';
import type { Book, Books, Statement } from './books-of-slots.ts';
import type { JournalEntry } from './entry.ts';
import { idFor, nameOf, patientKeyIn, type Slot, slotsOf, storedAt, variantAt } from './slots.ts';
import { passStatement } from './ties.ts';
import type { World } from './world.ts';

interface There {
  readonly variant: CompiledVariant;
  readonly stored: Stored;
}

/** Takes the world past the statement's entries and enters in the books what that changes. */
export function takeTurn(
  registry: Registry,
  world: World,
  books: Books,
  entries: readonly JournalEntry[],
  statement: Statement,
  env: Env,
): void {
  const at = (slot: Slot): There | null => {
    const variant = variantAt(registry, world, slot);
    return variant ? { variant, stored: storedAt(world, variant, slot.key, books.idOf) } : null;
  };
  const slots = slotsOf(registry, world, entries);
  const before = slots.map(at);
  const promotions = passStatement(registry, world, entries);
  const promoted = new Set(promotions.map(({ slot, to }) => nameOf({ ...slot, key: to })));
  slots.forEach((slot, index) => {
    // It stands for the resource of another slot now.
    if (promoted.has(nameOf(slot))) return;
    const was = before[index] ?? null;
    const is = at(slot);
    if (was && is) change(books, slot, was, is, statement);
    else if (was) {
      const promotion = promotions.find((one) => nameOf(one.slot) === nameOf(slot));
      const next = promotion && at({ ...slot, key: promotion.to });
      if (promotion && next) replaceRow(books, slot, was, next, promotion.to, statement, env);
      else vanish(books, slot, was, statement);
    } else if (is) appear(registry, books, slot, is, statement);
  });
}

function change(books: Books, slot: Slot, was: There, is: There, statement: Statement): void {
  const book = books.find(slot, was.variant.name);
  if (book?.state === 2 && was.stored.children.length > 0 && is.stored.children.length === 0) books.emptied.push(slot);
  if (book?.state !== 0) return;
  const patientKey = patientKeyOf(is);
  if (was.variant !== is.variant) {
    books.moveOn(book, was.stored, statement, { variant: is.variant.name, patientKey, refined: 0, overlay: null });
    return;
  }
  if (projectionOf(was.variant, was.stored) === projectionOf(is.variant, is.stored)) return;
  // 31 bits at most: never negative.
  const refined = book.refined & ~staleBitsBetween(is.variant, was.stored, is.stored);
  books.moveOn(book, was.stored, statement, { patientKey, refined });
}

/** The first of several rows is gone: the resource goes on with the next one, and loses what the gone row said. */
function replaceRow(books: Books, slot: Slot, was: There, is: There, sourceKey: number, statement: Statement, env: Env): void {
  const book = books.find(slot, was.variant.name);
  if (book?.state !== 0) return;
  const kept = { overlay: book.overlay === null ? null : parseOverlay(book.overlay), refined: book.refined };
  const { overlay, refined } = replaceFirst(is.variant, was.stored, is.stored, kept, env);
  books.moveOn(book, was.stored, statement, { sourceKey, refined, overlay: overlayText(overlay) });
}

const gone = { state: 1, refined: 0, overlay: null } as const;

function vanish(books: Books, slot: Slot, was: There, statement: Statement): void {
  const book = books.find(slot, was.variant.name);
  // A row that the gateway made for others is none of its own.
  if (book?.state === 2) book.isRemoved = true;
  if (book?.state === 0) books.moveOn(book, was.stored, statement, gone);
  if (slot.table !== 'Patient') return;
  // What was withdrawn has no row that could fall with the patient's; its resources go all the same.
  for (const kept of books.keptOf(slot.key)) books.moveOn(kept, withoutRow(kept, books), statement, gone);
}

function appear(registry: Registry, books: Books, slot: Slot, is: There, statement: Statement): void {
  const id = idFor(registry, slot) ?? '';
  const variant = is.variant.name;
  const patientKey = patientKeyOf(is);
  const book = books.find(slot, variant, id);
  const living = { variant, sourceKey: slot.key, patientKey, state: 0, refined: 0, overlay: null };
  if (!book) books.add(slot, { id, variant, patientKey }, statement);
  else if (book.state === 2) books.enter(book, { ...living, lastUpdated: later(statement.made, book.lastUpdated) });
  else if (book.state === 1) books.moveOn(book, null, statement, living);
  // A row under the key of what was withdrawn is the resource from now on; one that was adopted meanwhile is in the books already.
  else if (book.variant === keptName) books.moveOn(book, withoutRow(book, books), statement, living);
}

function withoutRow(book: Book, books: Books): Stored {
  return {
    row: { rid: book.rid, patient_id: book.patientKey },
    parent: null,
    children: [],
    patientId: book.patientKey === null ? null : books.idOf('Patient', 'Patient', book.patientKey),
    parentId: null,
  };
}

function patientKeyOf({ variant, stored }: There): number | null {
  return patientKeyIn(variant.variant.source.patient, stored.row, stored.parent);
}

function later(a: string, b: string): string {
  return a > b ? a : b;
}
