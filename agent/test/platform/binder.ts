/** A process that starts a TrE bound to it, and waits to be killed. Arguments: the TrE's directory, and how `mtm-agent` is started. */
import { startTre } from '../../src/platform/soft/start-tre.ts';

const [directory = '', program = '', ...args] = process.argv.slice(2);
const { pid } = await startTre({ directory, command: [program, ...args], bound: true });
process.stdout.write(`${pid}\n`);
setInterval(() => undefined, 60_000);
