/** Appointment.start, end and requestedPeriod ↔ appointment_date and appointment_time, wall-clock time in the clinic's zone. */
import type { Appointment, Extension } from 'fhir/r4.js';
import { clinicInstant, clinicWall, dateFromColumn, dayAsWritten } from '../../src/fhir/date.ts';
import { warning } from '../../src/fhir/outcome.ts';
import type { Env, Pair, WriteContext } from '../../src/mapping/types.ts';
import { validText } from '../grammar/valid-text.ts';
import { dataAbsentReason, extensionUrl, unknownExtension } from '../local-terms.ts';

type When = Pick<Appointment, 'start' | '_start' | 'end' | '_end' | 'requestedPeriod' | 'status'>;

/** Statuses that MediMax's own (never enforced) rule lets lie in the past. */
const pastStatuses: readonly unknown[] = ['fulfilled', 'cancelled', 'noshow', 'entered-in-error'];

/** app-2 and app-3 ask for start and end together: what MediMax does not know carries data-absent-reason. */
const noTimes = { _start: unknownExtension, _end: unknownExtension } as const;

export const when: Pair<When> = {
  name: 'when',
  elements: ['start', 'end', 'requestedPeriod'],
  columns: ['appointment_date', 'appointment_time'],
  toFhir({ row }, env) {
    const date = String(row['appointment_date']);
    const time = row['appointment_time'];
    const start = typeof time === 'string' ? clinicInstant(date, time, env.zone) : undefined;
    // The length of the type is a fact of configuration: it only fills in where nobody said an end, so the type is no column of this pair.
    if (start) return { start, ...derivedEnd(start, env.appointmentMinutes[String(row['appointment_type'])], env) };
    const day = dateFromColumn(date);
    return {
      ...(day ? { requestedPeriod: [{ start: day, end: day }] } : {}),
      _start: typeof time === 'string' ? impossibleTime(time, env) : unknownExtension,
      _end: unknownExtension,
    };
  },
  toRow(elements, context) {
    const wall = wallOf(elements, context);
    if (!wall) return {};
    refusePast(wall.date, context);
    return { row: { appointment_date: wall.date, appointment_time: wall.time } };
  },
};

/**
 * A proposal may leave out both times (app-3). Once MediMax gives it another status that is no longer so: this pair, which comes before
 * `when` and owns nothing, then says that the times are unknown. Volatile: that a client said nothing here is kept like any other saying,
 * and so goes stale with the status.
 */
export const timesUnknown: Pair<When> = {
  name: 'times-unknown',
  elements: [],
  columns: ['appointment_time', 'status'],
  volatile: true,
  toFhir: ({ row }) => (row['appointment_time'] === null ? noTimes : {}),
};

/** TIME holds -838:59:59 to 838:59:59; beyond a day it is no time of day, so it is shown as it is and not guessed at. */
function impossibleTime(time: string, env: Env): { extension: Extension[] } {
  return {
    extension: [
      { url: dataAbsentReason, valueCode: 'unknown' },
      { url: extensionUrl(env, 'rawText'), valueString: validText(time) ?? '-' },
    ],
  };
}

function derivedEnd(start: string, minutes: number | undefined, env: Env): Pick<When, 'end' | '_end'> {
  const end = minutes === undefined ? undefined : later(start, minutes);
  if (end === undefined) return { _end: unknownExtension };
  return { end, _end: { extension: [{ url: extensionUrl(env, 'derived'), valueBoolean: true }] } };
}

/** The instant so many minutes later, in the same offset; undefined past the year 9999. */
function later(instant: string, minutes: number): string | undefined {
  const [, sign, hours = '0', rest = '0'] = /([+-])(\d\d):(\d\d)$/.exec(instant) ?? [];
  const offsetMs = (Number(hours) * 60 + Number(rest)) * 60_000 * (sign === '-' ? -1 : 1);
  const shifted = new Date(Date.parse(instant) + minutes * 60_000 + offsetMs).toISOString();
  return shifted.length === 24 ? `${shifted.slice(0, 19)}${instant.slice(19)}` : undefined;
}

function wallOf({ start, requestedPeriod }: Partial<When>, context: WriteContext): { date: string; time: string | null } | null {
  if (start !== undefined) {
    const wall = clinicWall(start, context.env.zone);
    if (wall && /^[1-9]\d{3}-/.test(wall.date)) return wall;
    context.refuse(
      'value',
      `Appointment.start ${start} is no instant between the years 1000 and 9999, which MediMax's dates hold`,
      'Appointment.start',
    );
    return null;
  }
  const period = requestedPeriod?.find((one) => one.start !== undefined || one.end !== undefined);
  const from = period?.start ?? period?.end;
  if (from === undefined) {
    const text = 'Appointment.start, or a requestedPeriod with the day, is needed: every appointment of MediMax has a date';
    context.refuse('required', text, 'Appointment.start');
    return null;
  }
  const date = dayAsWritten(from);
  if (from.length < 10 || period?.end === undefined || dayAsWritten(period.end) !== date) {
    const text = `MediMax keeps one day of the requested period and shows ${date}; the whole period is kept here`;
    context.tell(warning('informational', text, 'Appointment.requestedPeriod'));
  }
  return { date, time: null };
}

/** chk_future_date of MediMax's documentation exists in no real installation (S1): here it is a choice, for new appointments only. */
function refusePast(date: string, context: WriteContext): void {
  const { env, current, resource } = context;
  if (!env.refusePastAppointments || current !== null || date >= env.today) return;
  if ('status' in resource && pastStatuses.includes(resource.status)) return;
  const text = `The appointment's day ${date} is in the past; new appointments must lie ahead unless fulfilled, cancelled or noshow`;
  context.refuse('business-rule', text, 'Appointment.start');
}
