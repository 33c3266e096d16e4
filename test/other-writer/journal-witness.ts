/** Remembers what was served under each ETag, and says afterwards whether the histories agree with it. */
import assert from 'node:assert/strict';
import type { Express } from 'express';
import request from 'supertest';
import { stringifyJson } from '../../src/fhir/json.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';

export interface Version {
  readonly version: number;
  /** Null where it says that the resource is deleted. */
  readonly body: JsonObject | null;
  readonly isMediMax: boolean;
}

export interface Witness {
  /** Statuses and how often. */
  readonly statuses: Map<number, number>;
  read(app: Express, name: string): Promise<{ readonly body: JsonObject; readonly etag: string } | null>;
  /** Sends a body; the version that it became, or null where others were faster. */
  send(app: Express, method: 'put' | 'post' | 'delete', path: string, body: object | null, ifMatch?: string): Promise<Answer>;
  /** All versions of a resource, the oldest first; every one that was served is what it was. */
  history(app: Express, name: string): Promise<readonly Version[]>;
}

export interface Answer {
  readonly status: number;
  readonly version: number;
  readonly body: JsonObject;
}

interface HistoryEntry {
  readonly resource?: JsonObject;
  readonly response: { readonly etag: string };
}

/** Others were faster, or the database has no time now. */
const refusals = [404, 409, 410, 412, 422, 503];

export function createWitness(): Witness {
  const served = new Map<string, string>();
  const statuses = new Map<number, number>();
  const note = (name: string, etag: string, body: JsonObject) => {
    const version = `${name} ${etag}`;
    const content = contentOf(body);
    const known = served.get(version);
    if (known !== undefined) assert.equal(content, known, `${version} said something else before`);
    served.set(version, content);
  };
  const count = (status: number) => statuses.set(status, (statuses.get(status) ?? 0) + 1);
  return {
    statuses,
    async read(app, name) {
      const { status, body, headers, text } = await request(app).get(`/fhir/${name}`);
      count(status);
      if (status !== 200) {
        assert.ok(refusals.includes(status), `GET ${name}: ${status} ${text}`);
        return null;
      }
      note(name, String(headers['etag']), body);
      return { body, etag: String(headers['etag']) };
    },
    async send(app, method, path, body, ifMatch) {
      const sending = request(app)
        [method](`/fhir/${path}`)
        .set('Content-Type', 'application/fhir+json')
        .set('X-Cascade', 'delete');
      if (ifMatch !== undefined) sending.set('If-Match', ifMatch);
      const answer = await (body === null ? sending : sending.send(JSON.stringify(body)));
      count(answer.status);
      assert.ok(answer.status < 300 || refusals.includes(answer.status), `${method} ${path}: ${answer.status} ${answer.text}`);
      const etag = String(answer.headers['etag'] ?? '');
      if (answer.status < 300 && answer.body.resourceType && path !== '')
        note(`${answer.body.resourceType}/${answer.body.id}`, etag, answer.body);
      return { status: answer.status, version: Number(/\d+/.exec(etag)?.[0] ?? 0), body: answer.body };
    },
    async history(app, name) {
      const entries: HistoryEntry[] = [];
      for (let path: string | undefined = `/fhir/${name}/_history?_count=1000`; path !== undefined; ) {
        const { body }: { body: { entry?: HistoryEntry[]; link: { relation: string; url: string }[] } } = await request(app)
          .get(path)
          .expect(200);
        entries.push(...(body.entry ?? []));
        path = body.link.find(({ relation }) => relation === 'next')?.url.replace(/^.*?(?=\/fhir\/)/, '');
      }
      const versions = entries
        .map(({ resource, response }) => ({
          version: Number(/\d+/.exec(response.etag)?.[0]),
          body: resource ?? null,
          isMediMax: JSON.stringify(resource?.['meta'] ?? '').includes('#medimax'),
        }))
        .toSorted((a, b) => a.version - b.version);
      assert.deepEqual(
        versions.map(({ version }) => version),
        versions.map((_version, at) => at + 1),
        `${name}: a gap`,
      );
      for (const { version, body: said } of versions) {
        const known = served.get(`${name} W/"${version}"`);
        if (known !== undefined) assert.equal(said && contentOf(said), known, `${name} ${version} is not what was served`);
      }
      return versions;
    },
  };
}

export function contentOf({ meta: _meta, ...content }: JsonObject): string {
  return stringifyJson(content);
}

/** Every version differs from the one before in one aspect, and in one of those that its writer changes. */
export function checkSteps(
  name: string,
  versions: readonly Version[],
  aspects: { readonly medimax: readonly (readonly string[])[]; readonly gateway: readonly (readonly string[])[] },
): void {
  for (const [at, { version, body, isMediMax }] of versions.entries()) {
    const previous = versions[at - 1]?.body;
    if (!body || !previous) continue;
    const changed = Object.keys({ ...previous, ...body })
      .filter((element) => element !== 'meta' && JSON.stringify(previous[element]) !== JSON.stringify(body[element]))
      .toSorted();
    const allowed = isMediMax ? aspects.medimax : aspects.gateway;
    assert.ok(
      allowed.some((aspect) => changed.every((element) => aspect.includes(element))) && changed.length > 0,
      `${name} ${version} by ${isMediMax ? 'MediMax' : 'a client'} changes [${changed.join(', ')}]`,
    );
  }
}

/** A laboratory result that a client sends: it lies under the patient's Lab_Report of that day and type. */
export function resultOf(patient: number, text: string) {
  return {
    resourceType: 'Observation',
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
    code: { text },
    valueString: text,
    subject: { reference: `Patient/pt-${patient}` },
    effectiveDateTime: '2026-01-05',
  };
}
