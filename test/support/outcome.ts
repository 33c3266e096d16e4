/** The whole OperationOutcome that a list of issues must have become, written short. */

type Line = readonly [severity: string, code: string, text: string, expression?: string];

export function outcome(...lines: readonly Line[]): object {
  return {
    resourceType: 'OperationOutcome',
    issue: lines.map(([severity, code, text, expression]) => ({
      severity,
      code,
      details: { text },
      diagnostics: text,
      ...(expression === undefined ? {} : { expression: [expression] }),
    })),
  };
}
