/** Configuration: read once, every fault reported at once, and documented. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { withSettings } from '../../src/config/document-settings.ts';
import { ConfigError, type Environment, readConfig } from '../../src/config.ts';

function faultsOf(env: Environment): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.faults.map((fault) => fault.text);
  }
  return [];
}

test('an empty environment gives the documented defaults', () => {
  const config = readConfig({});
  assert.equal(config.http.host, '127.0.0.1');
  assert.equal(config.http.port, 8080);
  assert.equal(config.http.auth, undefined);
  assert.equal(config.http.baseUrl, 'http://127.0.0.1:8080/fhir');
  assert.deepEqual([config.db.name, config.db.poolMin, config.db.poolMax], ['medimax', 5, 20]);
  assert.deepEqual([config.db.connectTimeoutMs, config.db.readTimeoutMs, config.db.writeTimeoutMs], [10_000, 30_000, 30_000]);
  assert.equal(config.clinic.identifierSystem, 'http://127.0.0.1:8080/fhir/sid/medimax-patient');
  assert.equal(config.clinic.timeZone, 'UTC');
  assert.deepEqual(config.clinic.appointmentMinutes, {});
});

test('derived defaults follow the settings they are made from', () => {
  assert.equal(readConfig({ HOST: '::1', PORT: '9000' }).http.baseUrl, 'http://[::1]:9000/fhir');
  const config = readConfig({ BASE_URL: 'https://fhir.clinic.example/r4/' });
  assert.equal(config.http.baseUrl, 'https://fhir.clinic.example/r4');
  assert.equal(config.clinic.identifierSystem, 'https://fhir.clinic.example/r4/sid/medimax-patient');
  assert.equal(config.clinic.canonicalBase, readConfig({}).clinic.canonicalBase);
});

test('values are read by their kind', () => {
  const config = readConfig({
    CORS_ORIGINS: 'https://a.example, https://b.example',
    APPOINTMENT_MINUTES: 'consultation=30,follow_up=15',
    REQUIRE_IF_MATCH: 'on',
    CLINIC_TIME_ZONE: 'Pacific/Auckland',
    DB_PASSWORD: '',
  });
  assert.deepEqual(config.http.corsOrigins, ['https://a.example', 'https://b.example']);
  assert.deepEqual(config.clinic.appointmentMinutes, { consultation: 30, follow_up: 15 });
  assert.equal(config.http.requireIfMatch, true);
  assert.equal(config.clinic.timeZone, 'Pacific/Auckland');
  assert.equal(config.db.password, '');
});

test('the configuration is frozen to its depth', () => {
  const config = readConfig({ CORS_ORIGINS: '*' });
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.http) && Object.isFrozen(config.http.corsOrigins));
  assert.ok(Object.isFrozen(config.clinic.appointmentMinutes));
});

test('every fault is reported at once, with what would be accepted', () => {
  const faults = faultsOf({
    PORT: 'http',
    DB_POOL_MAX: '0',
    DB_READ_TIMEOUT_MS: '1e9',
    CLINIC_TIME_ZONE: 'Vienna',
    AUTH: 'off',
    REQUIRE_IF_MATCH: 'maybe',
    BASE_URL: 'clinic.example/fhir',
    APPOINTMENT_MINUTES: 'surgery=30',
    LOG_LEVEL: 'loud',
    DB_NAME: 'medi`max',
  });
  assert.equal(faults.length, 10, faults.join('\n'));
  assert.ok(faults.includes('PORT is "http", not a whole number from 0 to 65535 (TCP port).'));
  assert.ok(faults.some((text) => text.startsWith('CLINIC_TIME_ZONE is "Vienna", not an IANA time zone')));
});

test('a time zone is a place, not an offset', () => {
  assert.equal(faultsOf({ CLINIC_TIME_ZONE: '+02:00' }).length, 1);
});

test('a secret is never shown', () => {
  const faults = faultsOf({ REDIS_URL: 'http://:hunter2@cache' });
  assert.equal(faults.length, 1);
  assert.doesNotMatch(faults.join(), /hunter2/);
});

test('other machines are served only when AUTH=none says so', () => {
  for (const HOST of ['0.0.0.0', '::', '192.0.2.7', 'gateway.example']) {
    assert.match(faultsOf({ HOST }).join(), /AUTH=none/, HOST);
    assert.deepEqual(faultsOf({ HOST, AUTH: 'none' }), []);
  }
  for (const HOST of ['127.0.0.1', '127.0.1.1', '::1', 'localhost']) assert.deepEqual(faultsOf({ HOST }), [], HOST);
});

test('settings that contradict each other are faults', () => {
  assert.equal(faultsOf({ DB_POOL_MIN: '30', PAGE_DEFAULT: '2000' }).length, 2);
});

test('docs/configuration.md shows the settings as they are (else: npm run docs)', () => {
  const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  assert.equal(page, withSettings(page));
});

test('nothing else in src reads the environment', () => {
  const root = new URL('../../src/', import.meta.url);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && file !== 'cli/main.ts',
  );
  const readers = files.filter((file) => readFileSync(new URL(file, root), 'utf8').includes('process.env'));
  assert.deepEqual(readers, []);
});
