/** Renders every resource and validates it: rows that cannot become valid FHIR, and why. */
import type { Issue } from '../../fhir/outcome.ts';
import type { JsonObject } from '../../mapping/lift.ts';
import type { Registry } from '../../mapping/registry.ts';
import type { Session } from '../pool.ts';
import type { Repository } from '../repository.ts';
import { examplesMax, type Finding } from './finding.ts';

export interface ServedParts {
  readonly registry: Registry;
  readonly repository: Repository;
  readonly session: Session;
  /** Errors and warnings of a resource as it would be served. */
  readonly validate: (resource: JsonObject) => readonly Issue[];
}

const chunkRows = 200;

export async function checkServed({ registry, repository, session, validate }: ServedParts): Promise<readonly Finding[]> {
  const byFault = new Map<string, { count: number; readonly examples: string[] }>();
  const note = (fault: string, name: string) => {
    const known = byFault.get(fault) ?? { count: 0, examples: [] };
    known.count += 1;
    if (known.examples.length < examplesMax) known.examples.push(name);
    byFault.set(fault, known);
  };
  for (const resourceType of registry.resourceTypes) {
    for (let after = 0; ; ) {
      const rows = await session.rows(
        `SELECT rid FROM fhir_resource WHERE type = ? AND state = 0 AND rid > ? ORDER BY rid LIMIT ${chunkRows}`,
        [resourceType, after],
      );
      const rids = rows.map(([rid]) => Number(rid));
      const last = rids.at(-1);
      if (last === undefined) break;
      after = last;
      for (const record of await repository.readMany(resourceType, rids)) {
        if (record.state === 'deleted') continue;
        const name = `${resourceType}/${record.id}`;
        try {
          const issues = validate(repository.render(record)).filter(
            ({ severity }) => severity === 'error' || severity === 'fatal',
          );
          for (const { text, expression } of issues) note(`${resourceType}: ${expression?.[0] ?? ''} ${text}`, name);
        } catch (failure) {
          note(`${resourceType}: cannot be rendered (${failure instanceof Error ? failure.name : 'unknown'})`, name);
        }
      }
    }
  }
  return [...byFault].map(([text, { count, examples }]) => ({
    check: 'not-valid',
    severity: 'error',
    count,
    text,
    examples,
    isFixable: false,
  }));
}
