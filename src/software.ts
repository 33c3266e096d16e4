/** Name and version of this software. */
import { createRequire } from 'node:module';

interface PackageFile {
  readonly version: string;
}

const packageFile: PackageFile = createRequire(import.meta.url)('../package.json');

export const software = { name: 'MediMax FHIR Gateway', version: packageFile.version };
