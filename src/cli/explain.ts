/** `explain`: what a search means and which statement answers it; needs no database. */
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import { readConfig } from '../config.ts';
import { searchSettings } from '../db/search-parts.ts';
import { createGatewayRegistry } from '../gateway.ts';
import { PlainError } from '../plain-error.ts';
import { explainSearch } from '../search/explain.ts';
import type { Command } from './command.ts';

export const explain: Command = {
  name: 'explain',
  usage: 'SEARCH',
  what: "show the plan and the statement of a search such as 'Observation?code=718-7'",
  run: async ({ env, args: [address], say }) => {
    if (address === undefined) throw new PlainError("explain needs a search, such as 'Patient?name=smith&_sort=birthdate'.");
    const config = readConfig(env);
    const { units } = loadTermTables(config.clinic.termsDir);
    const settings = searchSettings(config, createGatewayRegistry(), units.toCanonical, () => undefined);
    for (const line of explainSearch(address, settings)) say(line);
    return 0;
  },
};
