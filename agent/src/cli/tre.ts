import { heldFiles } from '../platform/soft/held-files.ts';
import { openSoftOnDisk } from '../platform/soft/open-soft.ts';
import { claimState } from '../platform/soft/process.ts';
import { DiskFiles } from '../storage/disk-files.ts';
import { firstSignal } from './signal.ts';
import type { Subcommand } from './subcommand.ts';

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
    'device-key': {
      type: 'string',
      value: 'file',
      about: 'key that the state is encrypted under (default: a service credential, or a file beside the state)',
    },
    counter: { type: 'string', value: 'file', about: 'file outside the directory that betrays an old copy of it' },
  },
  async run(values) {
    const directory = values.text('state');
    const claim = await claimState(directory);
    const platform = await openSoftOnDisk({
      directory,
      deviceKey: values.optional('device-key'),
      credentials: process.env['CREDENTIALS_DIRECTORY'],
      counter: values.optional('counter'),
      files: heldFiles(new DiskFiles(directory), () => claim.holds()),
    });
    const server = claim.serve(platform);
    const { protection } = await platform.identity();
    const stopping = firstSignal();
    process.stdout.on('error', () => undefined);
    process.stdout.write(`${JSON.stringify({ ok: true, pid: process.pid, protection })}\n`);
    const end = await Promise.race([stopping, server.poweredOff.then(() => 0 as const)]);
    await server.close();
    return end;
  },
};
