/** Writes the generated section of docs/configuration.md: `npm run docs`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { withSettings } from '../src/config/document-settings.ts';

const file = new URL('../docs/configuration.md', import.meta.url);
writeFileSync(file, withSettings(readFileSync(file, 'utf8')));
