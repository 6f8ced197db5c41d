import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { alterComponent, PARTS, select } from '../firmware.ts';
import { audited, deploy, type Script, type Stage } from '../stage.ts';

const INTRUDER_BYTES = 4096;

function anyBootComponent({ random }: Stage): string {
  return random.pick(PARTS.filter(({ phase }) => phase === 'boot')).name;
}

/** Altered on disk before the first boot: measured boot shows it at the gate. */
export const alteredComponent: Script = async (stage) => {
  const slots = await stage.site.firmware.ownSlots(stage.id);
  const component = anyBootComponent(stage);
  await alterComponent(slots, 'a', component);
  stage.step(`${component} altered before boot`);
  stage.attack();
  const terminal = stage.terminal({ slots });
  const first = terminal.results();
  await deploy(stage, terminal);
  await first;
  stage.lastStep();
};

/** A program that no release lists is started on a terminal that was trusted. */
export const unlistedComponent: Script = async (stage) => {
  const slots = await stage.site.firmware.ownSlots(stage.id);
  const terminal = stage.terminal({ slots });
  await audited(stage, terminal);
  const path = join(slots, 'intruder');
  await writeFile(path, randomBytes(INTRUDER_BYTES));
  await terminal.agent.startComponent('tmp/intruder', path);
  stage.step('tmp/intruder started');
  stage.attack();
  await terminal.results();
  stage.lastStep();
};

/** Altered on disk after boot: the logged boot is flawless, only the audit that opens the file anew finds it. */
export const runtimeAltered: Script = async (stage) => {
  const slots = await stage.site.firmware.ownSlots(stage.id);
  const terminal = stage.terminal({ slots });
  await audited(stage, terminal);
  const component = anyBootComponent(stage);
  await alterComponent(slots, 'a', component);
  stage.step(`${component} altered while the terminal runs`);
  stage.attack();
  await terminal.results();
  stage.lastStep();
};

/** A genuine old release with its genuine old manifest, which the present manifest does not allow any more. */
export const releaseRolledBack: Script = async (stage) => {
  const { firmware } = stage.site;
  const slots = await firmware.ownSlots(stage.id);
  const terminal = stage.terminal({ slots });
  await audited(stage, terminal);
  await firmware.install(slots, 'b', firmware.old());
  await select(slots, 'b');
  await terminal.stop();
  stage.attack();
  await terminal.boot();
  terminal.run();
  stage.step('rebooted into the old release');
  await terminal.results();
  stage.lastStep();
};
