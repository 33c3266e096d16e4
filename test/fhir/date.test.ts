/** Dates: strict to read, partial ones kept, and the same under every time zone of the machine. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import {
  clinicInstant,
  clinicWall,
  dateFromColumn,
  dayAsWritten,
  isTime,
  parseDate,
  parseDateTime,
  parseInstant,
  parseSearchDate,
  rangeOf,
} from '../../src/fhir/date.ts';

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'America/Sao_Paulo',
];
const us = (iso: string) => Date.parse(iso) * 1000;

describe('parsing', () => {
  it('takes what R4 takes', () => {
    for (const text of ['2019', '0001', '2019-05', '2019-05-31', '2020-02-29']) {
      assert.ok(parseDate(text), text);
      assert.ok(parseDateTime(text), text);
    }
    for (const text of [
      '2019-05-31T10:00:00Z',
      '2016-12-31T23:59:60Z',
      '2019-05-31T10:00:00.1234567+14:00',
      '2019-05-31T00:00:00-13:59',
    ]) {
      assert.ok(parseDateTime(text), text);
      assert.ok(parseInstant(text), text);
      assert.equal(parseDate(text), undefined, text);
    }
    for (const text of ['10:00:00', '23:59:60', '00:00:00.000']) assert.ok(isTime(text), text);
    assert.deepEqual(parseDateTime('2019-05-31T10:11:12.340-05:30'), {
      precision: 'fraction',
      year: 2019,
      month: 5,
      day: 31,
      hour: 10,
      minute: 11,
      second: 12,
      fraction: '340',
      offset: -330,
    });
  });

  it('refuses everything else', () => {
    const never = [
      '',
      '0000',
      '19',
      '2019-13',
      '2019-00',
      '2019-5',
      '2019-02-30',
      '2019-02-29',
      '2019-04-31',
      '2019-05-00',
      '20190531',
      ' 2019',
      '2019\n',
    ];
    for (const text of [
      ...never,
      '2019-05-31T24:00:00Z',
      '2019-05-31T10:00:00+14:01',
      '2019-05-31T10Z',
      '2019-05-31t10:00:00z',
      '2019-05-31 10:00:00Z',
    ]) {
      assert.equal(parseSearchDate(text), undefined, text);
    }
    for (const text of ['2019-05-31T10:00Z', '2019-05-31T10:00:00', '2019-05-31T10:00']) {
      assert.equal(parseDateTime(text), undefined, text);
      assert.ok(parseSearchDate(text), text);
    }
    for (const text of ['2019', '2019-05-31', '2019-05-31T10:00:00']) assert.equal(parseInstant(text), undefined, text);
    for (const text of ['10:00', '24:00:00', '10:00:00Z', '1:00:00']) assert.equal(isTime(text), false, text);
  });
});

describe('days', () => {
  it('are those of the text itself', () => {
    assert.equal(dayAsWritten('2019'), '2019-01-01');
    assert.equal(dayAsWritten('2019-05'), '2019-05-01');
    assert.equal(dayAsWritten('2019-05-31'), '2019-05-31');
    assert.equal(dayAsWritten('2019-05-31T23:30:00-11:00'), '2019-05-31');
  });

  it('survive what DATE columns hold', () => {
    assert.equal(dateFromColumn('1985-05-31'), '1985-05-31');
    assert.equal(dateFromColumn('1985-05-00'), '1985-05');
    assert.equal(dateFromColumn('1985-00-00'), '1985');
    assert.equal(dateFromColumn('1985-00-12'), '1985');
    for (const text of ['0000-00-00', '0000-05-12', '2019-02-30', '2019-13-01', ''])
      assert.equal(dateFromColumn(text), undefined, text);
  });
});

describe('rangeOf', () => {
  it('covers the unit of the last part written', () => {
    assert.deepEqual(rangeOf('2019', 'UTC'), { start: us('2019-01-01T00:00:00Z'), end: us('2020-01-01T00:00:00Z') });
    assert.deepEqual(rangeOf('2019-12', 'Europe/Berlin'), { start: us('2019-11-30T23:00:00Z'), end: us('2019-12-31T23:00:00Z') });
    assert.deepEqual(rangeOf('2019-03-31', 'Europe/Berlin'), {
      start: us('2019-03-30T23:00:00Z'),
      end: us('2019-03-31T22:00:00Z'),
    });
    assert.deepEqual(rangeOf('2019-05-31T10:00', 'Asia/Kolkata'), {
      start: us('2019-05-31T04:30:00Z'),
      end: us('2019-05-31T04:31:00Z'),
    });
    assert.deepEqual(rangeOf('2019-05-31T10:00:00+02:00', 'Asia/Kolkata'), {
      start: us('2019-05-31T08:00:00Z'),
      end: us('2019-05-31T08:00:01Z'),
    });
    const start = us('2019-05-31T08:00:00.250Z');
    assert.deepEqual(rangeOf('2019-05-31T08:00:00.25Z', 'UTC'), { start, end: start + 10_000 });
    assert.deepEqual(rangeOf('2019-05-31T08:00:00.2500017Z', 'UTC'), { start: start + 1, end: start + 2 });
    assert.deepEqual(rangeOf('2016-12-31T23:59:60Z', 'UTC')?.start, us('2017-01-01T00:00:00Z'));
    assert.equal(rangeOf('2019-02-30', 'UTC'), undefined);
  });

  it('lays days, months and years end to end in every zone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9998 }),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(...zones),
        (year, month, zone) => {
          const text = (y: number, m: number) => `${String(y).padStart(4, '0')}-${String(m).padStart(2, '0')}`;
          const next = month === 12 ? text(year + 1, 1) : text(year, month + 1);
          const range = rangeOf(text(year, month), zone);
          assert.ok(range && range.end > range.start);
          assert.equal(range.end, rangeOf(next, zone)?.start);
          assert.equal(range.start, rangeOf(`${text(year, month)}-01`, zone)?.start);
          assert.ok(Number.isSafeInteger(range.start / 1_000_000));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the clock of the clinic', () => {
  it('knows gaps and overlaps', () => {
    assert.equal(clinicInstant('2019-05-31', '10:30:00', 'Europe/Berlin'), '2019-05-31T10:30:00+02:00');
    assert.equal(clinicInstant('2019-05-31', '10:30:00', 'UTC'), '2019-05-31T10:30:00Z');
    assert.equal(clinicInstant('2019-03-31', '02:30:00', 'Europe/Berlin'), '2019-03-31T03:30:00+02:00');
    assert.equal(clinicInstant('2019-10-27', '02:30:00', 'Europe/Berlin'), '2019-10-27T02:30:00+02:00');
    assert.equal(clinicInstant('2019-11-03', '01:30:00', 'America/New_York'), '2019-11-03T01:30:00-04:00');
    assert.equal(clinicInstant('2019-05-31', '24:00:00', 'UTC'), undefined);
    assert.equal(clinicInstant('2019-02-30', '10:00:00', 'UTC'), undefined);
    assert.equal(clinicInstant('2019-05', '10:00:00', 'UTC'), undefined);
    assert.deepEqual(clinicWall('2019-05-31T23:30:00.999Z', 'Europe/Berlin'), { date: '2019-06-01', time: '01:30:00' });
    assert.deepEqual(clinicWall('2016-12-31T23:59:60Z', 'UTC'), { date: '2017-01-01', time: '00:00:00' });
    assert.equal(clinicWall('2016-12-31', 'UTC'), undefined);
  });

  it('tells the same wall time again, except in a gap', () => {
    const day = fc.date({ min: new Date('1000-01-01T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'), noInvalidDate: true });
    fc.assert(
      fc.property(day, fc.constantFrom(...zones), (moment, zone) => {
        const date = moment.toISOString().slice(0, 10);
        const time = moment.toISOString().slice(11, 19);
        const instant = clinicInstant(date, time, zone);
        assert.ok(instant !== undefined && parseInstant(instant), instant);
        const wall = clinicWall(instant, zone);
        assert.ok(wall && `${wall.date}T${wall.time}` >= `${date}T${time}`);
        if (instant.startsWith(`${date}T${time}`)) assert.deepEqual(wall, { date, time });
        assert.equal(clinicInstant(wall.date, wall.time, zone), instant);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the zone of the machine', () => {
  for (const zone of ['America/St_Johns', 'Pacific/Kiritimati']) {
    it(`does not matter (${zone})`, { skip: process.env['DATE_TEST_INNER'] !== undefined }, () => {
      const env: NodeJS.ProcessEnv = { ...process.env, TZ: zone, DATE_TEST_INNER: '1' };
      delete env['NODE_TEST_CONTEXT'];
      execFileSync(process.execPath, ['--test', fileURLToPath(import.meta.url)], { env, stdio: 'pipe' });
    });
  }
});
