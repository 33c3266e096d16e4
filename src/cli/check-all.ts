/** All integrity checks of one database, put together; `check` prints what comes of them. */
import type { Config } from '../config.ts';
import { checkBooks } from '../db/check/books.ts';
import type { Finding } from '../db/check/finding.ts';
import { fixBooks } from '../db/check/fix.ts';
import { checkMedimax } from '../db/check/medimax.ts';
import { checkServed } from '../db/check/served.ts';
import { sessionOf } from '../db/pool.ts';
import { validate } from '../fhir/validate.ts';
import { openGateway } from '../gateway.ts';

export interface CheckReport {
  /** False when a finding is an error. */
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  /** What `--fix` did, before the findings were looked for. */
  readonly fixed: readonly string[];
}

/** Whole tables are read. */
const timeoutMs = 600_000;

export async function checkAll(config: Config, { fix }: { readonly fix: boolean }): Promise<CheckReport> {
  const gateway = await openGateway({ ...config, db: { ...config.db, poolMin: 1, statementTimeoutMs: timeoutMs } });
  try {
    const { registry, repository } = gateway;
    const session = sessionOf(gateway.pool, timeoutMs);
    await gateway.parts.journal.settle();
    const fixed = fix ? await fixBooks({ ...gateway.parts, timeoutMs }, !config.db.triggers) : [];
    const served = {
      registry,
      repository,
      session,
      validate: (resource: { resourceType?: unknown }) => validate(resource, String(resource.resourceType)),
    };
    const findings = [
      ...(await checkMedimax(session)),
      ...(await checkBooks(session, registry, config.db.triggers)),
      ...(await checkServed(served)),
    ];
    return { ok: !findings.some(({ severity }) => severity === 'error'), findings, fixed };
  } finally {
    await gateway.close();
  }
}
