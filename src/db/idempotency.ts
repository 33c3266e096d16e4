/** Answers kept under the key a client gave its request: the first one stands, and it is committed together with what it tells of. */
import { randomBytes } from 'node:crypto';
import { fault } from '../fhir/outcome.ts';
import { translate } from './errors.ts';
import type { Claim, IdempotencyStore, KeptAnswer } from './kept-answers.ts';
import { type Pool, type Session, sessionOf } from './pool.ts';

const clearedAtOnceMax = 500;

export function createIdempotencyStore(pool: Pool, timeoutMs: number, keptHours: number): IdempotencyStore {
  const session = sessionOf(pool, timeoutMs);

  const claim: IdempotencyStore['claim'] = async (keyHash, requestHash, leaseMs) => {
    const owner = randomBytes(16);
    const lease = leaseMs * 1000;
    await session.modify(
      `DELETE FROM fhir_idempotency WHERE made_at < UTC_TIMESTAMP(6) - INTERVAL ? HOUR LIMIT ${clearedAtOnceMax}`,
      [keptHours],
    );
    const { affectedRows } = await session.modify(
      'INSERT IGNORE INTO fhir_idempotency (key_hash, request_hash, owner, lease_until, made_at) VALUES (?, ?, ?, UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, UTC_TIMESTAMP(6))',
      [keyHash, requestHash, owner, lease],
    );
    if (affectedRows === 1) return { is: 'mine', claim: { keyHash, owner } };
    const [row] = await session.rows(
      'SELECT HEX(request_hash), status, headers, body, TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), lease_until) FROM fhir_idempotency WHERE key_hash = ?',
      [keyHash],
    );
    if (!row) return claim(keyHash, requestHash, leaseMs);
    const [request, status, headers, body, left] = row;
    if (request !== requestHash.toString('hex').toUpperCase()) return { is: 'other' };
    if (status !== null)
      return {
        is: 'answered',
        answer: { status: Number(status), headers: JSON.parse(String(headers)), body: body === null ? null : String(body) },
      };
    if (Number(left) > 0) return { is: 'running', leaseMs: Math.ceil(Number(left) / 1000) };
    const taken = await session.modify(
      'UPDATE fhir_idempotency SET owner = ?, lease_until = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND WHERE key_hash = ? AND status IS NULL AND lease_until < UTC_TIMESTAMP(6)',
      [owner, lease, keyHash],
    );
    return taken.affectedRows === 1 ? { is: 'mine', claim: { keyHash, owner } } : claim(keyHash, requestHash, leaseMs);
  };

  return {
    claim: (...given) =>
      claim(...given).catch((failure: unknown) => {
        throw translate(failure);
      }),
    async keep({ keyHash, owner }, answer) {
      await session.modify('UPDATE fhir_idempotency SET status = ?, headers = ?, body = ? WHERE key_hash = ? AND owner = ?', [
        ...columnsOf(answer),
        keyHash,
        owner,
      ]);
    },
    async withdraw(keyHash) {
      await session.modify('DELETE FROM fhir_idempotency WHERE key_hash = ? AND status IS NULL', [keyHash]);
    },
    async release({ keyHash, owner }) {
      await session.modify('DELETE FROM fhir_idempotency WHERE key_hash = ? AND owner = ? AND status IS NULL', [keyHash, owner]);
    },
  };
}

/** The last statement of the transaction. @throws FhirError `conflict` when another request has taken the key over: nothing is committed */
export async function sealAnswer(session: Session, { keyHash, owner }: Claim, answer: KeptAnswer): Promise<void> {
  const { affectedRows } = await session.modify(
    'UPDATE fhir_idempotency SET status = ?, headers = ?, body = ? WHERE key_hash = ? AND owner = ? AND status IS NULL',
    [...columnsOf(answer), keyHash, owner],
  );
  if (affectedRows !== 1)
    throw fault('conflict', 'conflict', 'Another request with the same Idempotency-Key has taken this one over.');
}

function columnsOf({ status, headers, body }: KeptAnswer) {
  return [status, JSON.stringify(headers), body] as const;
}
