/** Writing over HTTP in tests. */
import type { Express } from 'express';
import request from 'supertest';

export const fhirJson = 'application/fhir+json; charset=utf-8';

export function post(app: Express, type: string, resource: object) {
  return request(app).post(`/fhir/${type}`).set('Content-Type', fhirJson).send(JSON.stringify(resource));
}

export function put(app: Express, type: string, id: string, resource: object) {
  return request(app).put(`/fhir/${type}/${id}`).set('Content-Type', fhirJson).send(JSON.stringify(resource));
}
