/** The search of a conditional interaction, inside its transaction: nothing of it is left out, whatever is not understood. https://hl7.org/fhir/R4/http.html#ccreate */
import { error, FhirError } from '../fhir/outcome.ts';
import { parseSearch, type SearchSettings } from '../search/parse.ts';
import { typesOf } from '../search/plan.ts';
import { findSql } from '../search/sql.ts';
import type { Indexer } from './index-pending.ts';
import type { FindByQuery } from './parts.ts';

/** They say how a result is wanted, which a condition has no use for. */
const resultParameter = /^_(?:sort|count|include|revinclude|summary|total|elements|contained|containedType|format|pretty)(?::|$)/;

export function conditionalSearch(indexer: Indexer, settings: () => SearchSettings, timeoutMs: number): FindByQuery {
  return async (session, resourceType, query, limit) => {
    const parameters = [...query];
    const { plan, issues } = parseSearch({ resourceType, parameters }, settings());
    const errors = [
      ...parameters
        .filter(([name]) => resultParameter.test(name))
        .map(([name]) => error('not-supported', `${name} has no meaning in a condition.`, name)),
      ...issues,
    ];
    if (plan.where.length === 0 && errors.length === 0)
      errors.push(error('required', 'A condition must say what to look for, such as identifier=system|value.'));
    if (errors.length > 0) throw new FhirError('malformed', errors);
    const types = typesOf(plan);
    // On a connection of its own: what others have committed until now is found, equal conditions that waited for their turn included.
    await indexer.catchUp(types, Date.now() + timeoutMs, session.guarded !== undefined);
    const { text, values } = findSql(plan, limit);
    const rows = await session.rows(text, values);
    return rows.map(([rid]) => Number(rid));
  };
}
