/** One thing that an integrity check found. */
export interface Finding {
  /** Name of the check, stable: for monitoring. */
  readonly check: string;
  /** `error`: records are wrong or lost for readers; `warning`: served, but worth a look; `information`: nothing to do. */
  readonly severity: 'error' | 'warning' | 'information';
  /** How many rows or resources. */
  readonly count: number;
  readonly text: string;
  /** Keys or names of some of them; never what they say. */
  readonly examples: readonly string[];
  /** True when `check --fix` puts it right, in the gateway's own tables only. */
  readonly isFixable: boolean;
}

export const examplesMax = 10;
