/** What is wrong with a primitive value, ready for the sentence that names its element. */
import type { IssueCode } from './outcome.ts';

export interface PrimitiveFault {
  readonly code: IssueCode;
  /** Completes the sentence "<element> …". */
  readonly text: string;
}
