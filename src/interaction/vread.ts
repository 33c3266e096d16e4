/** Version read: one version of one resource, the current or a past one. https://hl7.org/fhir/R4/http.html#vread */
import { error, FhirError, fault } from '../fhir/outcome.ts';
import { gone } from './gone.ts';
import { isId } from './id.ts';
import type { Interaction } from './interaction.ts';
import { parsePresentation, present } from './presentation.ts';
import { notFound, targetOf } from './target.ts';
import { versionHeaders } from './version-headers.ts';

export const vread: Interaction = async ({ repository }, request) => {
  const target = targetOf(request);
  const presentation = parsePresentation(request.query, target.resourceType, 'A version read');
  const { version = '' } = request.path;
  const number = /^[1-9][0-9]{0,9}$/.test(version) ? Number(version) : 0;
  const record = isId(target.id) && number > 0 ? await repository.readVersion(target.resourceType, target.id, number) : null;
  if (record === null) {
    if (!isId(target.id) || (await repository.read(target.resourceType, target.id)) === null) throw notFound(target);
    throw fault('not-found', 'not-found', `${target.resourceType}/${target.id} has no version ${version.slice(0, 64)}.`);
  }
  if (record.state === 'deleted') throw gone(record);
  const headers = versionHeaders(record);
  if (!record.stored) {
    const text = `What version ${number} of ${target.resourceType}/${target.id} said is not known: the row was changed where the gateway could not see it.`;
    throw new FhirError('gone', [error('incomplete', text)], { headers });
  }
  return { status: 200, headers, body: present(repository.render(record), presentation) };
};
