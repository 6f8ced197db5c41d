import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentError } from '../../error.ts';
import { FLEET_MODEL } from '../firmware.ts';
import { Processes } from '../processes.ts';
import { decisions, type Script, type Stage } from '../stage.ts';

const AUDITS_BETWEEN = 2;
const LOOK_MS = 20;
const LOOKS = 500;

/** A machine with a TPM emulator, enrolled by credential activation; agent, TrE and emulator are processes. Its power fails once. */
export const honestTpm: Script = async (stage) => {
  const { id, site } = stage;
  const state = join(site.directory, id);
  const tpm = join(state, 'tpm');
  for (const directory of [state, tpm]) await mkdir(directory, { mode: 0o700 });
  const token = join(state, 'token');
  await writeFile(token, await site.api.token(id, 'tpm-unproven', FLEET_MODEL), { mode: 0o600 });
  const emulator = new Processes(['swtpm'], site.stopping);
  const processes = new Processes(site.command, site.stopping);
  const [data, control] = [join(tpm, 'data'), join(tpm, 'control')];
  const socket = ['socket', '--tpm2', '--tpmstate', `dir=${tpm}`, '--flags', 'not-need-init,startup-clear'];
  const sockets = ['--server', `type=unixio,path=${data}`, '--ctrl', `type=unixio,path=${control}`];
  const address = ['--tpm', `swtpm:unix:${data}`];
  const tre = ['tre', '--state', join(state, 'tre'), ...address];
  const agent = ['run', '--state', state, '--slots', site.firmware.sharedSlots, '--token', token, '--keep-tre'];
  const powerOn = async (): Promise<void> => {
    await emulator.start('swtpm', [...socket, ...sockets]);
    await listening(stage, control);
    await processes.start('tre', tre, 'once it serves');
    await processes.start('agent', [...agent, ...address]);
  };
  await powerOn();
  await decisions(stage, AUDITS_BETWEEN);
  stage.check('its attestation key was proven beside its endorsement key', await site.api.isActivated(id));
  for (const name of ['agent', 'tre']) await processes.kill(name);
  await emulator.kill('swtpm');
  stage.step('the power failed');
  await powerOn();
  await decisions(stage, 1);
  stage.lastStep();
};

/** @throws AgentError `tpm.unreachable` */
async function listening({ site }: Stage, path: string): Promise<void> {
  for (let look = 0; look < LOOKS; look++) {
    if (await answers(path)) return;
    await delay(LOOK_MS, undefined, { signal: site.stopping });
  }
  throw new AgentError('tpm.unreachable', 'swtpm does not start');
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
