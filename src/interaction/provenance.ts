/** Who made a version, as a Provenance: made from the gateway's books, never stored. https://hl7.org/fhir/R4/provenance.html */
import type { ResourceRecord } from '../db/repository.ts';
import type { JsonObject } from '../mapping/lift.ts';

/** The Provenance of this version, living or deleted. Its id stands for the version and is the same whenever it is asked for. */
export function provenanceOf(record: ResourceRecord, canonicalBase: string): JsonObject {
  const { resourceType, id, rid, version, lastUpdated, origin, state } = record;
  const activity = state === 'deleted' ? 'DELETE' : version === 1 ? 'CREATE' : 'UPDATE';
  return {
    resourceType: 'Provenance',
    id: `pv-${rid}-${version}`,
    meta: { versionId: '1', lastUpdated },
    target: [{ reference: `${resourceType}/${id}/_history/${version}` }],
    recorded: lastUpdated,
    activity: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-DataOperation', code: activity }],
    },
    agent: [
      {
        type: {
          coding: [
            { system: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type', code: 'author', display: 'Author' },
          ],
        },
        who: { identifier: { system: `${canonicalBase}/sid/medimax-origin`, value: origin }, display: nameOf(origin) },
      },
    ],
  };
}

function nameOf(origin: string): string {
  if (origin === 'medimax') return 'MediMax application';
  if (origin === 'client') return 'API client';
  return origin.startsWith('import') ? 'Bulk import' : origin;
}
