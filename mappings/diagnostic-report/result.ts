/** DiagnosticReport.result ↔ the Lab_Finding rows of the report, each an Observation of its own. */
import type { Reference } from 'fhir/r4.js';
import { warning } from '../../src/fhir/outcome.ts';
import { parseReference } from '../../src/fhir/references.ts';
import type { ChildSource, Pair, Stored } from '../../src/mapping/types.ts';
import type { Lifted } from './lifted.ts';

export const findings: ChildSource = {
  table: 'Lab_Finding',
  key: 'lab_finding_id',
  foreignKey: 'lab_report_id',
  columns: ['lab_finding_id'],
  matchOn: ['lab_finding_id'],
  resourceType: 'Observation',
  taken: true,
};

/**
 * The list is the client's, order and all. A row that MediMax deletes or moves away leaves it, one that MediMax adds comes last. What is no
 * row of this report (contained, elsewhere, another report's finding, one still to come, a withdrawn one) stays as the client said it.
 */
export const result: Pair<Lifted> = {
  name: 'result',
  elements: ['result'],
  columns: ['child.lab_finding_id'],
  toFhir: (stored) => listOf(idsOf(stored).map(referenceTo)),
  references: ({ result: items = [] }) =>
    items.flatMap((reference, index) =>
      findingId(reference) === undefined
        ? []
        : [
            {
              reference,
              target: 'Observation',
              expression: `DiagnosticReport.result[${index}]`,
              optional: { variant: 'Lab_Finding' },
            },
          ],
    ),
  toRow(elements, context) {
    const needed = result.references?.(elements) ?? [];
    const keys = new Set(needed.flatMap((need) => context.key(need) ?? []));
    for (const [index, { reference }] of (elements.result ?? []).entries()) {
      if (!reference?.startsWith('#')) continue;
      const expression = `DiagnosticReport.result[${index}]`;
      const text = `${expression} is contained: it is kept here, but MediMax shows no finding for it; send it as an Observation of its own`;
      context.tell(warning('business-rule', text, expression));
    }
    return { children: [...keys].map((key) => ({ lab_finding_id: key })) };
  },
  list: {
    mark: (stored) => idsOf(stored).join(' '),
    merge({ result: said = [] }, mark, stored) {
      const before = new Set(mark.split(' '));
      const now = idsOf(stored);
      const items = said.filter((item) => {
        const id = findingId(item);
        return id === undefined || !before.has(id) || now.includes(id);
      });
      const named = new Set(items.map(findingId));
      return listOf([...items, ...now.filter((id) => !before.has(id) && !named.has(id)).map(referenceTo)]);
    },
  },
};

function listOf(items: Reference[]): Pick<Lifted, 'result'> {
  return items.length > 0 ? { result: items } : {};
}

function idsOf({ children }: Stored): readonly string[] {
  return children.flatMap(({ id }) => id ?? []);
}

function referenceTo(id: string): Reference {
  return { reference: `Observation/${id}` };
}

/** The id of an Observation of this server's. */
function findingId({ reference }: Reference): string | undefined {
  const parsed = reference === undefined ? undefined : parseReference(reference);
  return parsed?.kind === 'relative' && parsed.type === 'Observation' ? parsed.id : undefined;
}
