/** A process that runs a daemon of a few lines: `quick` stops at once, `stuck` never. It says when it is ready and what happens to it. */
import { writeSync } from 'node:fs';
import type { Daemon } from '../../src/daemon/daemon.ts';
import { createLog } from '../../src/daemon/log.ts';
import { untilSignal } from '../../src/daemon/shutdown.ts';

const [kind = 'quick', deadlineMs = '10000'] = process.argv.slice(2);
const say = (line: string): number => writeSync(1, `${line}\n`);
const alive = setInterval(() => undefined, 1000);

const daemon: Daemon = {
  listenUrl: 'wss://127.0.0.1:1/attest',
  apiUrl: 'https://127.0.0.1:2',
  reload: () => {
    say('reload');
    return kind === 'quick' ? Promise.resolve() : Promise.reject(new Error('no'));
  },
  stop: () => {
    say('stop');
    return kind === 'quick' ? Promise.resolve() : new Promise(() => undefined);
  },
};

const exit = untilSignal(daemon, { deadlineMs: Number(deadlineMs), log: createLog('silent') });
say('ready');
const code = await exit;
clearInterval(alive);
process.exit(code);
