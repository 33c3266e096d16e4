/** OperationOutcome: the one way this gateway says what went wrong. https://hl7.org/fhir/R4/operationoutcome.html */
import type { OperationOutcome } from 'fhir/r4.js';

/** The codes of https://hl7.org/fhir/R4/valueset-issue-type.html that the gateway uses. */
export type IssueCode =
  | 'invalid'
  | 'structure'
  | 'required'
  | 'value'
  | 'invariant'
  | 'security'
  | 'login'
  | 'forbidden'
  | 'processing'
  | 'not-supported'
  | 'duplicate'
  | 'multiple-matches'
  | 'not-found'
  | 'deleted'
  | 'too-long'
  | 'code-invalid'
  | 'extension'
  | 'too-costly'
  | 'business-rule'
  | 'conflict'
  | 'transient'
  | 'lock-error'
  | 'no-store'
  | 'exception'
  | 'timeout'
  | 'incomplete'
  | 'throttled'
  | 'informational';

/** One thing to tell the client. `expression` is FHIRPath into the resource, or `http.<header>` / the parameter's name. */
export interface Issue {
  readonly severity: 'fatal' | 'error' | 'warning' | 'information';
  readonly code: IssueCode;
  /** For people: what is wrong and what would be accepted. Never SQL, table internals or patient data beyond what the client sent. */
  readonly text: string;
  readonly expression?: readonly string[];
}

/** What kind of failure this is; the HTTP status follows from it and from nothing else. */
export type FaultKind = keyof typeof statusOf;

/** The one table from kind to status. */
export const statusOf = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'not-acceptable': 406,
  conflict: 409,
  gone: 410,
  'precondition-failed': 412,
  'too-large': 413,
  'unsupported-media-type': 415,
  unprocessable: 422,
  'too-many-requests': 429,
  bug: 500,
  'not-implemented': 501,
  unavailable: 503,
} as const;

/** An expected failure: its kind decides the status, its issues become the OperationOutcome. Anything else thrown is a bug. */
export class FhirError extends Error {
  override readonly name = 'FhirError';
  readonly kind: FaultKind;
  readonly issues: readonly Issue[];
  /** Extra response headers, such as Allow or Retry-After. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    kind: FaultKind,
    issues: readonly Issue[],
    options: { cause?: unknown; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(issues.map((issue) => issue.text).join('; '), options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.issues = issues;
    this.headers = options.headers ?? {};
  }
}

/** Shorthand for the usual single-issue failure. */
export function fault(kind: FaultKind, code: IssueCode, text: string, expression?: string): FhirError {
  return new FhirError(kind, [error(code, text, expression)]);
}

export function error(code: IssueCode, text: string, expression?: string): Issue {
  return issueOf('error', code, text, expression);
}

export function warning(code: IssueCode, text: string, expression?: string): Issue {
  return issueOf('warning', code, text, expression);
}

export function information(code: IssueCode, text: string, expression?: string): Issue {
  return issueOf('information', code, text, expression);
}

function issueOf(severity: Issue['severity'], code: IssueCode, text: string, expression?: string): Issue {
  return expression === undefined ? { severity, code, text } : { severity, code, text, expression: [expression] };
}

/** The resource for a list of issues; never empty, as R4 demands at least one. */
export function operationOutcome(issues: readonly Issue[]): OperationOutcome {
  const list = issues.length > 0 ? issues : [information('informational', 'All OK')];
  return {
    resourceType: 'OperationOutcome',
    issue: list.map((issue) => ({
      severity: issue.severity,
      code: issue.code,
      details: { text: issue.text },
      diagnostics: issue.text,
      ...(issue.expression ? { expression: [...issue.expression] } : {}),
    })),
  };
}
