import { serveTre } from '../platform/soft/process.ts';
import { openTre, TPM_OPTION } from './open-tre.ts';
import { tell } from './outcome.ts';
import { firstSignal } from './signal.ts';
import type { ExitCode, Subcommand } from './subcommand.ts';

/** `mtm-agent tre`: the trusted environment in a process of its own, best under its own user. */
export const treCommand: Subcommand = {
  name: 'tre',
  summary: 'run the trusted environment; ending it is a power loss of the terminal',
  options: {
    state: {
      type: 'string',
      required: true,
      value: 'directory',
      about: "the trusted environment's own directory, mode 0700",
    },
    tpm: TPM_OPTION,
    'device-key': {
      type: 'string',
      value: 'file',
      about: 'key that the state is encrypted under (default: a service credential, or a file beside the state)',
    },
    counter: { type: 'string', value: 'file', about: 'file outside the directory that betrays an old copy of it' },
    socket: {
      type: 'string',
      value: 'path',
      about: 'serve at this path too, for an agent under another user who is of its group (mode 0660)',
    },
    bound: { type: 'boolean', about: 'power off once standard input ends' },
    json: { type: 'boolean', about: 'print JSON' },
  },
  async run(values) {
    closeToOthers();
    const stopping = firstSignal();
    const directory = values.text('state');
    const tre = await openTre(directory, values, values.optional('socket'));
    const server = serveTre(tre.claim, tre.platform);
    const { protection } = await tre.platform.identity();
    const document = { ok: true, serves: true, pid: process.pid, protection };
    tell(values.flag('json'), document, `serves ${directory}; state protection: ${protection}`);
    const ends: Promise<ExitCode>[] = [stopping, server.poweredOff.then(() => 0 as const)];
    if (values.flag('bound')) ends.push(inputEnd().then(() => 0 as const));
    const end = await Promise.race(ends);
    await server.close();
    await tre.close();
    process.stdin.destroy();
    return end;
  },
};

/** Files are made for this user alone; whoever started it may have gone; no debugger is let in by a signal. */
function closeToOthers(): void {
  process.umask(0o077);
  process.on('SIGUSR1', () => undefined);
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
}

function inputEnd(): Promise<void> {
  return new Promise((resolve) => {
    process.stdin.on('end', resolve).on('error', resolve).resume();
  });
}
