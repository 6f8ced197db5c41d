import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FLEET_MODEL } from '../firmware.ts';
import { Processes } from '../processes.ts';
import { decisions, type Script } from '../stage.ts';

const AUDITS_BETWEEN = 2;

/** Agent and TrE as processes of their own: kill -9 of the agent, then of the TrE, and restart. */
export const crashResume: Script = async (stage) => {
  const { site } = stage;
  const state = join(site.directory, stage.id);
  await mkdir(state, { mode: 0o700 });
  const token = join(state, 'token');
  await writeFile(token, await site.api.token(stage.id, 'software', FLEET_MODEL), { mode: 0o600 });
  const processes = new Processes(site.command, site.stopping);
  const tre = ['tre', '--state', join(state, 'tre')];
  const agent = ['run', '--state', state, '--slots', site.firmware.sharedSlots, '--token', token, '--keep-tre'];
  await processes.start('tre', tre, 'once it serves');
  await processes.start('agent', agent);
  await decisions(stage, AUDITS_BETWEEN);
  await processes.kill('agent');
  stage.step('agent killed');
  await processes.start('agent', agent);
  await decisions(stage, AUDITS_BETWEEN);
  await processes.kill('agent');
  await processes.kill('tre');
  stage.step('agent and TrE killed');
  await processes.start('tre', tre, 'once it serves');
  await processes.start('agent', agent);
  await decisions(stage, 1);
  stage.lastStep();
};
