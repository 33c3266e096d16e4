/** `npm run bench -- read`: runs benchmarks on throw-away servers and prints ratios. See bench/README.md. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, Pace } from './bench.ts';
import { memoryLines, reportLines } from './report.ts';
import { openSite } from './site.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '1' },
    'warm-up': { type: 'string', default: '2' },
    patients: { type: 'string', default: '10000' },
    profile: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});

const pace: Pace = {
  rounds: Number(values.rounds),
  sliceMs: Number(values.seconds) * 1000,
  warmUpMs: Number(values['warm-up']) * 1000,
  patients: Number(values.patients),
};

/** A bench is a file beside this one that exports `bench`. */
const known = globSync('*.ts', { cwd: import.meta.dirname })
  .filter((file) => /^export const bench\b/m.test(readFileSync(new URL(file, import.meta.url), 'utf8')))
  .map((file) => basename(file, '.ts'))
  .sort();

const unknown = positionals.filter((name) => !known.includes(name));
if (positionals.length === 0 || unknown.length > 0 || Object.values(pace).some((value) => !(value > 0))) {
  if (unknown.length > 0) console.error(`There is no bench ${unknown.join(', ')}.`);
  console.error(`npm run bench -- NAME… [--rounds 6] [--seconds 1] [--warm-up 2] [--patients 10000] [--profile FOLDER]
Benches: ${known.join(', ')}`);
  process.exitCode = 2;
} else {
  for (const name of positionals) await runBench(name);
}

async function runBench(name: string): Promise<void> {
  const { bench }: { bench: Bench } = await import(new URL(`${name}.ts`, import.meta.url).href);
  console.log(`\n${name}: ${bench.what}`);
  const site = await openSite(pace, {
    needsIndex: bench.needsIndex ?? false,
    ...(values.profile === undefined ? {} : { profileFolder: values.profile }),
  });
  const end = (code: number) => {
    site.abandon();
    process.exit(code);
  };
  const interrupted = () => end(130);
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    const figures = await bench.run(site);
    const lines = [...reportLines(figures), ...memoryLines(site.peakMemory())];
    await site.close();
    console.log(lines.join('\n'));
  } finally {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
    if (existsSync(site.folder)) site.abandon();
  }
}
