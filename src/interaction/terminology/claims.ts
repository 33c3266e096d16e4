/** What the CapabilityStatement and the TerminologyCapabilities say of our definitions. https://hl7.org/fhir/R4/terminologycapabilities.html */
import type { JsonObject } from '../../mapping/lift.ts';
import { terminologyTypes } from '../../terminology/about.ts';
import { parametersFor } from '../../terminology/search.ts';
import type { Terminology } from '../../terminology/store.ts';
import type { SearchParameterClaim } from '../interaction.ts';

/** undefined for types that are no definitions. */
export function definitionSearchClaims(resourceType: string): readonly SearchParameterClaim[] | undefined {
  const type = terminologyTypes.find((one) => one === resourceType);
  return type && parametersFor(type).map(({ name, type: kind }) => ({ name, type: kind }));
}

export function terminologyClaims(terminology: Terminology): JsonObject {
  return {
    codeSystem: terminology.ofType('CodeSystem').map(({ url, version }) => ({
      uri: url,
      version: [{ code: version, isDefault: true }],
    })),
    expansion: {
      hierarchical: false,
      paging: true,
      incomplete: false,
      parameter: ['filter', 'offset', 'count'].map((name) => ({ name })),
      textFilter: 'Codes with every word of the filter in their code or display; case and accents do not count.',
    },
    codeSearch: 'all',
    validateCode: { translations: false },
    translation: { needsMap: false },
  };
}
