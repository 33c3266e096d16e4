/** The repository of the mode without triggers: looks at a resource's rows before it is read or written, and remembers them after. */
import { adoptRow, enterAdopted } from './adopt-rows.ts';
import type { DatabaseParts } from './parts.ts';
import { sessionOf } from './pool.ts';
import type { Repository } from './repository.ts';
import { sweepOne } from './sweep.ts';

export function sweptRepository(parts: DatabaseParts, repository: Repository): Repository {
  const look = (resourceType: string, id: string) => sweepOne(parts, resourceType, id, { compareContent: true });
  const read: Repository['read'] = async (resourceType, id) => {
    await look(resourceType, id);
    const found = await repository.read(resourceType, id);
    if (found || !(await adoptById(parts, resourceType, id))) return found;
    await look(resourceType, id);
    return repository.read(resourceType, id);
  };
  return {
    ...repository,
    read,
    async readVersion(resourceType, id, version) {
      await look(resourceType, id);
      return repository.readVersion(resourceType, id, version);
    },
    async create(resourceType, resource, options) {
      const result = await repository.create(resourceType, resource, options);
      await look(resourceType, result.record.id);
      return result;
    },
    async update(resourceType, id, resource, options) {
      await read(resourceType, id);
      const result = await repository.update(resourceType, id, resource, options);
      await look(resourceType, id);
      return result;
    },
    async delete(resourceType, id, options) {
      await read(resourceType, id);
      return repository.delete(resourceType, id, options);
    },
  };
}

/** A row that no sweep has met yet, asked for by the id it will have. */
async function adoptById(parts: DatabaseParts, resourceType: string, id: string): Promise<boolean> {
  const [, prefix, key] = /^([a-z]+)-(\d{1,9})$/.exec(id) ?? [];
  const session = sessionOf(parts.pool, parts.timeoutMs);
  for (const variant of parts.registry.get(resourceType)?.variants ?? []) {
    if (variant.variant.source.idPrefix !== prefix || !(await adoptRow(session, variant, Number(key)))) continue;
    await enterAdopted(session);
    return true;
  }
  return false;
}
