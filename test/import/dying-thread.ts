/** A thread of imports that does not live long. */
import '../../src/import-thread.ts';

/** Of the processor: a thread that gets little of it, as others are busy too, has as much to do with its life. */
const livesMs = 1000;

const born = used();
setInterval(() => {
  if (used() - born > livesMs) process.exit(1);
}, 20);

function used(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
