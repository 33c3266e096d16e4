/** Not a test: holds private servers in the folder of its first argument until it is killed, for local.test.ts. */
import { startLocal } from '../../src/local/start.ts';

const { PATH } = process.env;
const folder = process.argv[2] ?? '';
const local = await startLocal({ folder, env: { PATH }, database: 'medimax', mayInstall: true, whenInUse: 'refuse' });
console.log(JSON.stringify(local.env));
setInterval(() => {}, 60_000);
