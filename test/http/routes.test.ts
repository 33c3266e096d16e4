/** The route table: what holds for every row, present and future. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allowed, byPath, routes } from '../../src/http/routes.ts';

describe('The route table', () => {
  it('has each method of a path once', () => {
    for (const [path, rows] of byPath(routes)) {
      const methods = rows.map(({ method }) => method);
      assert.deepEqual(methods, [...new Set(methods)], path);
    }
  });

  it('puts the level in the path', () => {
    for (const { path, level, codes, resourceType } of routes) {
      // In a compartment the type in front is that of the compartment's owner.
      if (codes.includes('search-compartment')) continue;
      const namesType = resourceType === undefined ? path.includes('/:type') : path.startsWith(`/${resourceType}`);
      assert.equal(namesType, level !== 'system', path);
      assert.equal(path.includes('/:id'), level === 'instance', path);
    }
  });

  it('has fixed words before parameters, so that no row hides another', () => {
    routes.forEach((row, index) => {
      for (const later of routes.slice(index + 1)) {
        if (later.path === row.path || !fits(row.path, later.path)) continue;
        assert.fail(`${later.path} is never reached, because ${row.path} stands before it`);
      }
    });
  });

  it('reads bodies where the method has one', () => {
    for (const { method, body, path } of routes) assert.equal(body === 'none', method === 'GET' || method === 'DELETE', path);
  });

  it('gives Allow with HEAD and OPTIONS', () => {
    assert.equal(allowed([{ method: 'GET' }, { method: 'PUT' }]), 'GET, HEAD, PUT, OPTIONS');
  });
});

/** Whether the pattern also takes what the other one is meant for. `_` and `$` words are told from ids by the application. */
function fits(pattern: string, other: string): boolean {
  const own = pattern.split('/');
  const its = other.split('/');
  return own.length === its.length && own.every((part, at) => part.startsWith(':') || part === its[at]);
}
