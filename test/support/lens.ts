/** A mapping run without a database: write a resource into columns and read them back, for tests of mappings alone. */
import { FhirError } from '../../src/fhir/outcome.ts';
import { type CompiledVariant, compileMapping } from '../../src/mapping/compile.ts';
import { isObject, type JsonObject, lift } from '../../src/mapping/lift.ts';
import { planColumns } from '../../src/mapping/plan.ts';
import type { AnyMapping } from '../../src/mapping/registry.ts';
import { complement, contentOf, renderContent } from '../../src/mapping/render.ts';
import type { Columns, Env, Stored } from '../../src/mapping/types.ts';

export const testEnv = (terms: unknown): Env => ({
  canonicalBase: 'https://medimax.example/fhir',
  identifierSystem: 'https://medimax.example/fhir/sid/medimax-patient',
  zone: 'Europe/Berlin',
  today: '2026-11-23',
  terms,
  appointmentMinutes: {},
  refusePastAppointments: false,
  showDefaultAllergySeverity: false,
});

/** The compiled variant of this name (the first when not named). */
export function variantOf(mapping: AnyMapping, name?: string): CompiledVariant {
  const { variants } = compileMapping(mapping);
  const found = name === undefined ? variants[0] : variants.find((one) => one.name === name);
  if (!found) throw new Error(`no variant ${name}`);
  return found;
}

/** What GET would return for rows MediMax wrote. */
export function readRow(variant: CompiledVariant, stored: Stored, env: Env): JsonObject {
  return { resourceType: variant.resourceType, ...renderContent(variant, stored, null, 0, env) };
}

/** Every reference of these resolves to key 1 unless it ends in `missing`. */
export function writeResource(variant: CompiledVariant, resource: JsonObject, env: Env) {
  const content = contentOf(variant, resource, env);
  const lifted = lift(content, variant.slices, env);
  const plan = planColumns({
    variant,
    resource,
    lifted,
    current: null,
    env,
    timestamp: '2026-11-23 10:00:00',
    resolve: ({ reference, expression }) => {
      if (!reference.reference?.endsWith('missing')) return 1;
      throw new FhirError('unprocessable', [
        { severity: 'error', code: 'not-found', text: `${reference.reference} not found`, expression: [expression] },
      ]);
    },
  });
  const { source } = variant.variant;
  const stored: Stored = {
    row: { [source.key]: 1, ...plan.row },
    parent: source.parent
      ? ({ [source.parent.key]: 1, patient_id: 1, created_at: '2026-11-23 10:00:00', ...plan.parent } as Columns)
      : null,
    children: (plan.children ?? []).map((row, index) => ({
      row: { [source.child?.key ?? 'key']: index + 1, ...row },
      id: `sy-${index + 1}`,
    })),
    patientId: patientIdOf(resource),
    parentId: source.parent?.resourceType ? 'ap-1' : null,
  };
  const kept = complement(variant, lifted, stored, env);
  return {
    plan,
    stored,
    ...kept,
    read: () => ({ resourceType: variant.resourceType, ...renderContent(variant, stored, kept.overlay, kept.refined, env) }),
  };
}

function patientIdOf(resource: JsonObject): string {
  for (const element of ['subject', 'patient']) {
    const reference = resource[element];
    if (isObject(reference) && typeof reference['reference'] === 'string')
      return reference['reference'].replace(/^Patient\//, '');
  }
  return 'pt-1';
}
