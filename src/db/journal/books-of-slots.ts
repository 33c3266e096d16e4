/** The books of the resources that a batch of the journal may change, changed in memory: read by read-books.ts, written by write-books.ts. */
import { keptName } from '../../mapping/compile.ts';
import type { Stored } from '../../mapping/types.ts';
import { after } from '../clock.ts';
import type { Bound } from '../pool.ts';
import { datetimeOf, instantOf } from '../select.ts';
import type { FindId, Slot } from './slots.ts';

/** A row of `fhir_resource`, changed in place. */
export interface Book {
  /** Null until it is inserted. */
  rid: number | null;
  readonly type: string;
  readonly id: string;
  variant: string;
  sourceKey: number | null;
  patientKey: number | null;
  version: number;
  /** UTC, `2026-11-23 10:00:00.123456`. */
  lastUpdated: string;
  state: number;
  /** Mark of the statement that made the current version, as decimal digits. */
  tx: string;
  refined: number;
  origin: string;
  overlay: string | null;
  isTouched: boolean;
  isRemoved: boolean;
}

/** What changes besides version, time and origin. */
export type Sets = Partial<Pick<Book, 'variant' | 'sourceKey' | 'patientKey' | 'state' | 'refined' | 'overlay' | 'lastUpdated'>>;

/** MediMax's statement: it makes at most one version of a resource, however many entries and batches it fills. */
export interface Statement {
  readonly made: string;
  readonly mark: string;
}

export interface Books {
  readonly idOf: FindId;
  /** The resource of a row; where none is, the one that had this id. */
  find(slot: Slot, variantName: string, id?: string): Book | undefined;
  /** Living resources without a row of this patient. */
  keptOf(patientKey: number): readonly Book[];
  add(slot: Slot, made: Pick<Book, 'id' | 'variant' | 'patientKey'>, statement: Statement): void;
  /** The resource moves on by one version, once a statement. `stored`: what the version that ends says; null where it says nothing. */
  moveOn(book: Book, stored: Stored | null, statement: Statement, sets: Sets): void;
  /** Enters a version that is there already. */
  enter(book: Book, sets: Sets): void;
  /** Rows kept for others that have none any more. */
  readonly emptied: Slot[];
  /** What is to be written. */
  readonly changed: ChangedBooks;
}

/** A version that a statement has ended: what `fhir_version` keeps of it. */
export interface Ended {
  readonly book: Book;
  readonly values: readonly Bound[];
}

/** A version for the change feed. */
export interface Entered {
  readonly book: Book;
  readonly version: number;
  readonly patientKey: number | null;
}

export interface ChangedBooks {
  readonly all: readonly Book[];
  readonly ended: readonly Ended[];
  readonly entered: readonly Entered[];
  /** Versions that a batch before this one has entered; their patient may be another now. */
  readonly owned: readonly Entered[];
}

export function booksOver(read: readonly Book[], findId: FindId): Books {
  const all = [...read];
  const byRow = new Map(all.map((book) => [`${book.type}/${book.variant}/${book.sourceKey}`, book]));
  const byId = new Map(all.map((book) => [`${book.type}/${book.id}`, book]));
  const ended: Ended[] = [];
  const entered: Entered[] = [];
  const owned: Entered[] = [];
  /** As its present version is now. */
  const set = (book: Book, sets: Sets): Entered => {
    Object.assign(book, sets, { isTouched: true });
    byRow.set(`${book.type}/${book.variant}/${book.sourceKey}`, book);
    return { book, version: book.version, patientKey: book.patientKey };
  };
  const enter: Books['enter'] = (book, sets) => {
    entered.push(set(book, sets));
  };
  return {
    emptied: [],
    idOf: (type, variant, key) => findId(type, variant, key) ?? byRow.get(`${type}/${variant}/${key}`)?.id ?? null,
    find({ resourceType, key }, variantName, id) {
      const known = byRow.get(`${resourceType}/${variantName}/${key}`);
      if (known && known.variant === variantName && known.sourceKey === key && !known.isRemoved) return known;
      const other = id === undefined ? undefined : byId.get(`${resourceType}/${id}`);
      return other?.isRemoved ? undefined : other;
    },
    keptOf: (patientKey) => all.filter((book) => book.variant === keptName && book.state === 0 && book.patientKey === patientKey),
    add({ resourceType, key }, { id, variant, patientKey }, { made, mark }) {
      const book: Book = {
        rid: null,
        type: resourceType,
        id,
        variant,
        sourceKey: key,
        patientKey,
        version: 1,
        lastUpdated: made,
        state: 0,
        tx: mark,
        refined: 0,
        origin: 'medimax',
        overlay: null,
        isTouched: true,
        isRemoved: false,
      };
      all.push(book);
      byId.set(`${book.type}/${id}`, book);
      enter(book, {});
    },
    moveOn(book, stored, { made, mark }, sets) {
      // Its version is there: what the rest of the statement changes is part of it.
      if (book.tx === mark) {
        const owner = book.patientKey;
        const now = set(book, sets);
        if (now.patientKey !== owner) owned.push(now);
        return;
      }
      ended.push({
        book,
        values: [
          book.version,
          book.variant,
          book.lastUpdated,
          book.state,
          book.refined,
          book.origin,
          stored === null ? null : JSON.stringify(stored),
          book.overlay,
        ],
      });
      book.version += 1;
      book.lastUpdated = datetimeOf(after(instantOf(book.lastUpdated), instantOf(made)));
      book.origin = 'medimax';
      book.tx = mark;
      enter(book, sets);
    },
    enter,
    changed: { all, ended, entered, owned },
  };
}
