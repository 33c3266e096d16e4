/** The results of a bench as lines for a terminal: ratios with their spread, goals, statements, memory. */
import type { Figure } from './bench.ts';

export interface PeakMemory {
  readonly name: string;
  readonly megabytes: number;
}

/** Of processes whose names begin so. */
const memoryGoals = { gateway: 250, importer: 400 } as const;

export function reportLines(figures: readonly Figure[]): string[] {
  const rows = figures.map((figure) => [
    figure.name,
    isToLimit(figure) ? `${figure.of}, gateway : limit` : figure.of,
    `${figure.ratio.median.toFixed(2)} (${figure.ratio.min.toFixed(2)}–${figure.ratio.max.toFixed(2)})`,
    figure.goal === undefined ? '' : goalText(figure, figure.goal),
    figure.statements === undefined ? '' : `${figure.statements.toFixed(2)} statements each`,
    figure.note ?? '',
  ]);
  return aligned([['', '', 'median (min–max)', 'goal', '', ''], ...rows]);
}

function isToLimit({ of, name }: Figure): boolean {
  return of !== 'memory' && of !== 'share of the time' && !name.includes(' : ');
}

export function memoryLines(peaks: readonly PeakMemory[]): string[] {
  const rows = peaks.map(({ name, megabytes }) => {
    const goal = Object.entries(memoryGoals).find(([beginning]) => name.startsWith(beginning))?.[1];
    const verdict = goal === undefined ? '' : `goal below ${goal} MB, ${megabytes < goal ? 'reached' : 'MISSED'}`;
    return [`peak memory of ${name}`, `${Math.round(megabytes)} MB`, verdict];
  });
  return aligned(rows);
}

function goalText({ of, ratio }: Figure, goal: number): string {
  const reached = of === 'throughput' ? ratio.median >= goal : ratio.median <= goal;
  return `${goal.toFixed(2)} ${reached ? 'reached' : 'MISSED'}`;
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  }
  return rows.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd());
}
