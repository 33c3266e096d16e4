/** Every test file has a database and a Redis database to itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConnection } from 'mysql2/promise';
import { readConfig } from '../../src/config.ts';
import { freshDatabase } from '../support/servers.ts';

test('fresh databases are empty, apart and can be dropped', async () => {
  const [one, two] = [await freshDatabase(), await freshDatabase()];
  assert.notEqual(one.name, two.name);
  assert.notEqual(one.env['REDIS_URL'], two.env['REDIS_URL']);
  const { db } = readConfig(one.env);
  const connection = await createConnection({
    host: db.host,
    port: db.port,
    user: db.user,
    password: db.password,
    database: db.name,
  });
  assert.deepEqual((await connection.query('SHOW TABLES'))[0], []);
  await connection.query('CREATE TABLE t (n INT)');
  await one.drop();
  await two.drop();
  await assert.rejects(connection.query('SELECT * FROM t'));
  await connection.end();
});
