/** `explain`: what a search means and which statement answers it (needs no database), or where a resource comes from. */
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import { readConfig } from '../config.ts';
import { searchSettings } from '../db/search-parts.ts';
import { createGatewayRegistry } from '../gateway.ts';
import { PlainError } from '../plain-error.ts';
import { explainSearch } from '../search/explain.ts';
import type { Command } from './command.ts';
import { explainRecord } from './explain-record.ts';

export const explain: Command = {
  name: 'explain',
  usage: 'SEARCH | resource TYPE/ID | row TABLE KEY',
  what: "show the plan of a search such as 'Observation?code=718-7', the origins of a resource, or the resources of a row",
  run: async (context) => {
    const { env, args, say } = context;
    const [address] = args;
    if (address === 'resource' || address === 'row') return explainRecord(context, args);
    if (address === undefined) throw new PlainError("explain needs a search, such as 'Patient?name=smith&_sort=birthdate'.");
    const config = readConfig(env);
    const { units } = loadTermTables(config.clinic.termsDir);
    const settings = searchSettings(config, createGatewayRegistry(), units.toCanonical, () => undefined);
    for (const line of explainSearch(address, settings)) say(line);
    return 0;
  },
};
