/** The limit of a create: a driver loop that inserts the row alone, over and over, each in a durable transaction of its own, on 16 connections. */
import { serveLoop } from '../loop.ts';
import { limitPool } from './limit-server.ts';

const lanes = 16;
const pool = limitPool(lanes);

/** What the loop inserts: the statement, and its values. */
export interface InsertOrder {
  readonly statement: string;
  readonly values: readonly (string | number | null)[];
}

serveLoop(lanes, async (argument, mayGoOn) => {
  const { statement, values } = argument as InsertOrder; // sent by create.ts
  const connection = await pool.promise().getConnection();
  let done = 0;
  try {
    for (; mayGoOn(); done += 1) await connection.execute(statement, [...values]);
  } finally {
    connection.release();
  }
  return done;
});
