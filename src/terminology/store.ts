/** The definitions this gateway serves, found by id, by canonical URL, and by the code system they hold. */
import type { CodeSystem, ConceptMap, ValueSet } from 'fhir/r4.js';
import type { TerminologyType } from './about.ts';
import { type TerminologyResource, type TerminologySettings, terminologyResources } from './resources.ts';

export interface Terminology {
  /** In a fixed order, by type and id. */
  ofType(type: TerminologyType): readonly TerminologyResource[];
  read(type: TerminologyType, id: string): TerminologyResource | undefined;
  codeSystem(url: string, version?: string): CodeSystem | undefined;
  valueSet(url: string, version?: string): ValueSet | undefined;
  readonly conceptMaps: readonly ConceptMap[];
}

export function createTerminology(settings: TerminologySettings): Terminology {
  const all = terminologyResources(settings);
  const byType = new Map(
    [...Map.groupBy(all, ({ resourceType }) => resourceType)].map(([type, list]) => [
      type,
      list.toSorted((a, b) => ((a.id ?? '') < (b.id ?? '') ? -1 : 1)),
    ]),
  );
  const byId = new Map(all.map((resource) => [`${resource.resourceType}/${resource.id}`, resource]));
  const byUrl = new Map(all.map((resource) => [resource.url, resource]));
  /** A version may stand behind the URL: `…|2025-01`. */
  const canonical = (reference: string, version?: string): TerminologyResource | undefined => {
    const bar = reference.lastIndexOf('|');
    const [url, wanted] = bar < 0 ? [reference, version] : [reference.slice(0, bar), reference.slice(bar + 1)];
    const found = byUrl.get(url);
    return wanted === undefined || found?.version === wanted ? found : undefined;
  };
  return {
    ofType: (type) => byType.get(type) ?? [],
    read: (type, id) => byId.get(`${type}/${id}`),
    codeSystem(url, version) {
      const found = canonical(url, version);
      return found?.resourceType === 'CodeSystem' ? found : undefined;
    },
    valueSet(url, version) {
      const found = canonical(url, version);
      return found?.resourceType === 'ValueSet' ? found : undefined;
    },
    conceptMaps: all.filter((resource) => resource.resourceType === 'ConceptMap'),
  };
}
