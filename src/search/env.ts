/** What search needs to know of the installation. */

export interface SearchEnv {
  /** IANA zone in which dates without an offset are read. */
  readonly zone: string;
  /** Base of our own absolute references, without a trailing slash. */
  readonly baseUrl: string;
  /** `factor` of the canonical unit make one of this UCUM code; undefined where unknown or not linear. */
  readonly toCanonical: (code: string) => { readonly code: string; readonly factor: number } | undefined;
}

export const ucumSystem = 'http://unitsofmeasure.org';
