/** AllergyIntolerance ↔ Medical_History rows of type allergy. Source of the rules: docs/mapping.md, section Medical_History. */
import type { AllergyIntolerance, Annotation } from 'fhir/r4.js';
import { firstNote, patientReference } from '../src/mapping/pairs.ts';
import { defineMapping } from '../src/mapping/registry.ts';
import { allergyClinical, clinicalStatus, isInError } from './history/clinical-status.ts';
import { historyDate } from './history/date.ts';
import { historyDetails } from './history/details.ts';
import { historyItem } from './history/item.ts';
import { firstReaction, reactionPairs } from './history/reactions.ts';
import { historySource } from './history/source.ts';
import type { TermTables } from './terms/term-table.ts';

type Lifted = AllergyIntolerance & { readonly 'note:first'?: Annotation | undefined };

export const allergyClinicalSystem = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical';
export const allergyVerificationSystem = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification';

/** No type and no category are made up. */
export const allergyIntolerance = defineMapping<Lifted, TermTables>({
  resourceType: 'AllergyIntolerance',
  withdrawn: { patient: 'patient', is: (resource) => isInError(resource, allergyVerificationSystem) },
  variants: [
    {
      name: 'AllergyIntolerance',
      source: historySource('allergy'),
      slices: [firstNote, firstReaction],
      pairs: [
        clinicalStatus({
          resourceType: 'AllergyIntolerance',
          codes: allergyClinical,
          clinicalSystem: allergyClinicalSystem,
          verificationSystem: allergyVerificationSystem,
          alongside: [],
        }),
        ...reactionPairs,
        historyItem<TermTables>('AllergyIntolerance', (item, { terms }) => terms.noKnownAllergy.coding(item)),
        patientReference<Lifted>('AllergyIntolerance', 'patient'),
        historyDate<Lifted>('AllergyIntolerance', 'onset'),
        historyDetails('AllergyIntolerance'),
      ],
    },
  ],
});
