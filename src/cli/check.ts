/** `check`: is everything as it should be – MediMax's rows by its own documentation, the gateway's books, and what is served. */

import { PlainError } from '../plain-error.ts';
import { type CheckReport, checkAll } from './check-all.ts';
import type { Command } from './command.ts';
import { withServers } from './with-servers.ts';

export const check: Command = {
  name: 'check',
  usage: '[--fix] [--json]',
  what: "look for what is wrong with MediMax's rows and the gateway's own tables; --fix mends only the latter",
  run: (context) => {
    const unknown = context.args.filter((argument) => !['--fix', '--json'].includes(argument));
    if (unknown.length > 0) throw new PlainError(`check takes --fix and --json, not ${unknown.join(' ')}.`);
    return withServers(context, 'join', async ({ config }) => {
      const report = await checkAll(config, { fix: context.args.includes('--fix') });
      if (context.args.includes('--json')) context.say(JSON.stringify(report, null, 2));
      else for (const line of linesOf(report)) context.say(line);
      return report.ok ? 0 : 1;
    });
  },
};

const marks = { error: 'WRONG', warning: 'LOOK', information: 'NOTE' } as const;

function linesOf({ findings, fixed, ok }: CheckReport): readonly string[] {
  return [
    ...fixed.map((what) => `Mended: ${what}`),
    ...findings.flatMap(({ severity, check: name, count, text, examples, isFixable }) => [
      `${marks[severity].padEnd(5)} ${text} (${count}; ${name}${isFixable ? '; check --fix mends it' : ''})`,
      ...(examples.length > 0 ? [`      ${examples.join(', ')}${count > examples.length ? ', …' : ''}`] : []),
    ]),
    ok ? 'Nothing is wrong.' : 'Something is wrong; see above.',
  ];
}
