/** Requests that are answered later: what was asked, who is at work on it, and the answer, all in the database. */
import { randomBytes } from 'node:crypto';
import type { AsyncJobs } from './kept-answers.ts';
import { type Pool, sessionOf } from './pool.ts';

const leaseS = 30;
const beatMs = 10_000;
const atOnceMax = 2;
const clearedAtOnceMax = 100;

export function createAsyncJobs(pool: Pool, timeoutMs: number, keptHours: number): AsyncJobs {
  const session = sessionOf(pool, timeoutMs);
  const waiting: (() => void)[] = [];
  let running = 0;

  const enter = async () => {
    if (running < atOnceMax) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leave = () => {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  };
  const hold = (id: string, owner: Buffer) =>
    session.modify(
      `UPDATE fhir_async_job SET lease_until = UTC_TIMESTAMP(6) + INTERVAL ${leaseS} SECOND WHERE job_id = ? AND owner = ? AND state = 0`,
      [Buffer.from(id, 'hex'), owner],
    );

  return {
    async add(request) {
      const id = randomBytes(16);
      await session.modify(
        `DELETE FROM fhir_async_job WHERE made_at < UTC_TIMESTAMP(6) - INTERVAL ? HOUR LIMIT ${clearedAtOnceMax}`,
        [keptHours],
      );
      await session.modify(
        "INSERT INTO fhir_async_job (job_id, lease_until, owner, made_at, request) VALUES (?, '2000-01-01', ?, UTC_TIMESTAMP(6), ?)",
        [id, Buffer.alloc(16), request],
      );
      return id.toString('hex');
    },
    async find(id) {
      const [row] = await session.rows(
        'SELECT state, lease_until < UTC_TIMESTAMP(6), request, status, headers, body FROM fhir_async_job WHERE job_id = ?',
        [Buffer.from(id, 'hex')],
      );
      if (!row) return null;
      const [state, isAbandoned, request, status, headers, body] = row;
      const answer =
        status === null
          ? null
          : { status: Number(status), headers: JSON.parse(String(headers)), body: body === null ? null : String(body) };
      return {
        id,
        request: String(request),
        state: Number(state) === 0 ? 'open' : Number(state) === 1 ? 'done' : 'cancelled',
        isAbandoned: Number(isAbandoned) === 1,
        answer,
      };
    },
    async run(id, work) {
      const owner = randomBytes(16);
      const { affectedRows } = await session.modify(
        `UPDATE fhir_async_job SET owner = ?, lease_until = UTC_TIMESTAMP(6) + INTERVAL ${leaseS} SECOND WHERE job_id = ? AND state = 0 AND lease_until < UTC_TIMESTAMP(6)`,
        [owner, Buffer.from(id, 'hex')],
      );
      if (affectedRows === 0) return;
      const beat = setInterval(() => void hold(id, owner).catch(() => undefined), beatMs).unref();
      await enter();
      try {
        const answer = await work();
        if (answer)
          await session.modify(
            'UPDATE fhir_async_job SET state = 1, status = ?, headers = ?, body = ? WHERE job_id = ? AND owner = ? AND state = 0',
            [answer.status, JSON.stringify(answer.headers), answer.body, Buffer.from(id, 'hex'), owner],
          );
      } finally {
        leave();
        clearInterval(beat);
      }
    },
    async cancel(id) {
      const { affectedRows } = await session.modify(
        "UPDATE fhir_async_job SET state = 2, request = '', body = NULL WHERE job_id = ? AND state < 2",
        [Buffer.from(id, 'hex')],
      );
      return affectedRows === 1;
    },
  };
}
