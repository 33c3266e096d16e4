/** Observation with the items that pairs own on their own as keys. */
import type {
  Annotation,
  Extension,
  FhirResource,
  Observation,
  ObservationComponent,
  ObservationReferenceRange,
  Reference,
} from 'fhir/r4.js';

export type Lifted = Observation & {
  readonly 'note:first'?: Annotation | undefined;
  readonly 'performer:facility'?: Reference | undefined;
  readonly 'contained:facility'?: FhirResource | undefined;
  readonly 'basedOn:order'?: Reference | undefined;
  readonly 'contained:order'?: FhirResource | undefined;
  readonly 'referenceRange:first'?: ObservationReferenceRange | undefined;
  readonly 'extension:appointment'?: Extension | undefined;
  readonly 'extension:severity'?: Extension | undefined;
  readonly 'extension:active'?: Extension | undefined;
  readonly 'component:severity'?: ObservationComponent | undefined;
  readonly 'component:duration'?: ObservationComponent | undefined;
  readonly 'component:onset'?: ObservationComponent | undefined;
  readonly 'component:course'?: ObservationComponent | undefined;
};

export const loinc = 'http://loinc.org';
