/** A thread of imports that does not live long. */
import '../../src/import-thread.ts';

const livesMs = 1500;

setTimeout(() => process.exit(1), livesMs);
