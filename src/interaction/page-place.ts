/** Where the next page of a history or a chart begins, signed so that nobody can make one up or carry it to another query. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { fault } from '../fhir/outcome.ts';

/** `about` is everything else the page depends on: path and parameters. */
export function writePlace(secret: string, about: string, place: string): string {
  return `${Buffer.from(place).toString('base64url')}.${mac(secret, about, place)}`;
}

/** @throws FhirError `malformed` when the gateway has not written this place for this query */
export function readPlace(secret: string, about: string, text: string): string {
  const [encoded = '', signature = ''] = text.split('.');
  const place = Buffer.from(encoded, 'base64url').toString();
  const [wanted, given] = [Buffer.from(mac(secret, about, place)), Buffer.from(signature)];
  if (wanted.length === given.length && timingSafeEqual(wanted, given)) return place;
  throw fault(
    'malformed',
    'value',
    'This page link is not one of this gateway for this query. Begin again with the first page.',
    pageParameter,
  );
}

export const pageParameter = '_page';

function mac(secret: string, about: string, place: string): string {
  return createHmac('sha256', secret).update(`${about}\n${place}`).digest('base64url').slice(0, 22);
}
