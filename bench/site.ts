/** Where a bench takes place: private servers with durable commits, a filled clinic, and the processes that are measured. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { type Config, readConfig } from '../src/config.ts';
import { migrateUp } from '../src/db/migrate.ts';
import { connectionOptions, sessionStatements } from '../src/db/pool.ts';
import { freePort } from '../src/free-port.ts';
import { createGatewayRegistry, openGateway } from '../src/gateway.ts';
import { startLocal } from '../src/local/start.ts';
import type { Contender, HttpProcess, LoadRequest, LoopProcess, Pace, Site } from './bench.ts';
import { ask, type Child, startChild } from './child.ts';
import { clinicStatements, overlayStatements } from './clinic.ts';
import type { LoadAnswer, LoadOrder } from './load.ts';
import type { LoopAnswer, LoopOrder } from './loop.ts';

const root = resolve(import.meta.dirname, '..');
const connections = 16;
const startMs = 30_000;
const indexMs = 600_000;

export interface OpenSite extends Site {
  /** Ends all processes in order and deletes the folder. */
  close(): Promise<void>;
  /** The same at once, by force. */
  abandon(): void;
}

export async function openSite(
  pace: Pace,
  options: { readonly needsIndex: boolean; readonly profileFolder?: string },
): Promise<OpenSite> {
  mkdirSync(join(root, '.medimax'), { recursive: true });
  const folder = mkdtempSync(join(root, '.medimax', 'bench-'));
  const { PATH } = process.env;
  const say = (sentence: string) => console.error(`  … ${sentence}`);
  say('starting a MariaDB and a Redis');
  const local = await startLocal({
    folder,
    env: { PATH },
    database: 'medimax',
    mayInstall: true,
    whenInUse: 'refuse',
    purpose: 'keep',
    say,
  });
  // The same for all processes, whatever their port: a gateway under another address would index everything again.
  const env = { ...local.env, BASE_URL: 'http://gateway.example/fhir' };
  const children: Child[] = [];
  const abandon = () => {
    for (const child of children) child.node.kill('SIGKILL');
    local.abandon('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  try {
    const config = readConfig(env);
    const registry = createGatewayRegistry();
    say(`filling a clinic of ${pace.patients} patients`);
    await migrateUp(config, registry);
    const connection = await createConnection({ ...connectionOptions(config), rowsAsArray: true });
    for (const statement of sessionStatements(config)) await connection.query(statement);
    const sql: Site['sql'] = async (statement) => {
      const [rows] = await connection.query(statement);
      return Array.isArray(rows) ? (rows as (string | number | null)[][]) : []; // rows are arrays on this connection
    };
    for (const statement of clinicStatements(pace.patients)) await sql(statement);
    const adopt = async () => void (await migrateUp(config, registry));
    await adopt();
    for (const statement of overlayStatements) await sql(statement);
    await sql('ANALYZE TABLE Patient, Medical_History, Lab_Report, Lab_Finding, fhir_resource');

    if (options.needsIndex) say('indexing the clinic for searches');
    else await sql('DELETE FROM fhir_search_pending');
    await indexPending(config);

    const start = (
      name: string,
      module: URL,
      args: readonly string[],
      more: Readonly<Record<string, string>>,
      nodeArgs: readonly string[] = [],
    ) => {
      const child = startChild({
        name,
        module,
        args,
        nodeArgs,
        env: { ...env, ...more },
        logFile: join(folder, `${name}.log`),
      });
      children.push(child);
      return child;
    };
    const serving = async (child: Child, port: number): Promise<HttpProcess> => {
      const deadline = performance.now() + startMs;
      while (!(await answers(port))) {
        if (performance.now() > deadline || child.node.exitCode !== null) throw new Error(`${child.name} does not serve`);
        await sleep(50);
      }
      return { name: child.name, pid: child.pid, port };
    };
    const childOf = ({ pid }: { readonly pid: number }) => {
      const child = children.find((one) => one.pid === pid);
      if (!child) throw new Error('No process of this run');
      return child;
    };
    const nodeArgs =
      options.profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(options.profileFolder)}`];
    const loader = start('load', new URL('load.ts', import.meta.url), [], {});
    let orders = 0;

    return {
      pace,
      env,
      folder,
      say,
      sql,
      adopt,
      async gateway(env = {}) {
        const port = await freePort('127.0.0.1');
        const more = { NODE_ENV: 'production', PORT: String(port), ...env };
        return serving(start('gateway', new URL('../src/cli/main.ts', import.meta.url), ['serve'], more, nodeArgs), port);
      },
      async server(module) {
        const port = await freePort('127.0.0.1');
        return serving(start('limit', module, [], { NODE_ENV: 'production', PORT: String(port) }), port);
      },
      async loop(module, { name = 'limit', nodeArgs = [], env = {} } = {}): Promise<LoopProcess> {
        const child = start(name, module, [], { NODE_ENV: 'production', ...env }, nodeArgs);
        const contender = (argument: unknown): Contender => ({
          name: child.name,
          async run(durationMs) {
            const before = child.cpuSeconds();
            const { done, seconds } = await ask<LoopAnswer>(
              child,
              { durationMs, argument } satisfies LoopOrder,
              durationMs + startMs,
            );
            return { done, failed: 0, seconds, cpuSeconds: child.cpuSeconds() - before };
          },
        });
        return {
          name: child.name,
          pid: child.pid,
          contender,
          ask: (argument, durationMs) => ask(child, { durationMs, argument } satisfies LoopOrder, durationMs + startMs),
        };
      },
      load(target: HttpProcess, requests: readonly LoadRequest[]): Contender {
        orders += 1;
        const id = orders;
        const measured = childOf(target);
        let sent = false;
        return {
          name: target.name,
          async run(durationMs) {
            const order: LoadOrder = { id, port: target.port, connections, durationMs, ...(sent ? {} : { requests }) };
            sent = true;
            const before = measured.cpuSeconds();
            const answer = await ask<LoadAnswer>(loader, order, durationMs + startMs);
            if (answer.firstFailure !== undefined) console.error(answer.firstFailure);
            return { ...answer, cpuSeconds: measured.cpuSeconds() - before };
          },
        };
      },
      async statementsSoFar() {
        const [row] = await sql("SHOW GLOBAL STATUS LIKE 'Questions'");
        return Number(row?.[1]);
      },
      peakMemory: () =>
        children.filter(({ name }) => name !== 'load').map(({ name, peakMemory }) => ({ name, megabytes: peakMemory() / 1e6 })),
      async close() {
        await connection.end();
        await Promise.all(children.map((child) => child.stop()));
        abandon();
      },
      abandon,
    };
  } catch (failure) {
    abandon();
    throw failure;
  }
}

/** Otherwise the gateway would do it in the background while it is measured. */
async function indexPending(config: Config): Promise<void> {
  const { search, close } = await openGateway(config);
  await search.indexer.catchUp(null, Date.now() + indexMs);
  await close();
}

async function answers(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/livez`)).ok;
  } catch {
    return false;
  }
}
