/** The secret that signs page links: configured, or a random one kept in the database for all processes of this gateway. */
import { randomBytes } from 'node:crypto';
import type { Session } from './pool.ts';

export async function cursorSecret(session: Session, configured: string | undefined): Promise<string> {
  if (configured !== undefined && configured !== '') return configured;
  await session.modify("INSERT IGNORE INTO fhir_setting (name, value) VALUES ('cursor_secret', ?)", [
    randomBytes(32).toString('base64url'),
  ]);
  const [row] = await session.rows("SELECT value FROM fhir_setting WHERE name = 'cursor_secret'");
  return String(row?.[0]);
}
