/** The settings as Markdown tables, for `docs/configuration.md`. */
import { allSettings } from '../config.ts';
import { groupTitles } from './settings.ts';

const begin = '<!-- settings: begin (made by `npm run docs`, do not edit) -->';
const end = '<!-- settings: end -->';

/** The page with its section between the markers made anew. @throws when a marker is missing. */
export function withSettings(page: string): string {
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`The page lacks the marker ${begin} or ${end}.`);
  return `${before}${begin}\n\n${settingsTables()}\n${end}${after}`;
}

function settingsTables(): string {
  return Object.entries(groupTitles)
    .map(
      ([group, title]) =>
        `## ${title}\n\n| Variable | Accepts | Default | Meaning |\n| --- | --- | --- | --- |\n${rows(group)}\n`,
    )
    .join('\n');
}

function rows(group: string): string {
  return allSettings
    .filter((row) => row.group === group)
    .map(
      ({ setting }) =>
        `| \`${setting.name}\` | ${setting.kind} | ${setting.fallback ? `\`${setting.fallback}\`` : '–'} | ${setting.what} |`,
    )
    .join('\n');
}
