/** onset[x] (or what stands for it) ↔ history_date. An Age, a Range or a text has no day: the column is then NULL, what was said is kept. */
import type { Period } from 'fhir/r4.js';
import { dayAsWritten } from '../../src/fhir/date.ts';
import { day } from '../../src/mapping/pairs.ts';
import type { Pair, WriteContext } from '../../src/mapping/types.ts';

/** `onset` makes `onsetDateTime` of `onset[x]`. */
export function historyDate<L>(resourceType: string, choice: 'onset' | 'performed'): Pair<L> {
  const expression = `${resourceType}.${choice}`;
  return day<L>({
    key: `${choice}DateTime`,
    element: `${choice}[x]`,
    column: 'history_date',
    otherwise: (elements) => startDay(elements[`${choice}Period`] as Period | undefined), // marked place: a choice's key names its type
    check: (written, context) => checkHistoryDate(written, expression, context),
  });
}

export function startDay(period: Period | undefined): string | null {
  return period?.start ? dayAsWritten(period.start) : null;
}

/** MediMax's documented rule; a day more is allowed, as a client east of the clinic may already have tomorrow. DATE begins in 1000. */
export function checkHistoryDate(written: string, expression: string, context: WriteContext): void {
  if (written > dayAfter(context.env.today))
    context.refuse('business-rule', `${expression} ${written} is in the future: MediMax keeps what has happened`, expression);
  if (written < '1000')
    context.refuse('value', `${expression} ${written} is before the year 1000, where MediMax's dates begin`, expression);
}

function dayAfter(today: string): string {
  const next = new Date(`${today}T00:00:00Z`);
  next.setUTCDate(next.getUTCDate() + 1);
  return next.toISOString().slice(0, 10);
}
