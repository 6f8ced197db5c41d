import { select } from '../firmware.ts';
import { Moment } from '../moment.ts';
import { audited, deploy, type Script } from '../stage.ts';
import { cutting, slow } from '../wire/links.ts';

const CUTS = 4;
/** Of the answers on a bad network, one in so many gets through with its connection. */
const ONE_IN = 3;
const SLOWEST_MS = 400;

/** Nothing happens; what its release starts after boot is started. */
export const honest: Script = async (stage) => {
  const terminal = stage.terminal();
  const first = terminal.results();
  await deploy(stage, terminal);
  if (stage.random.below(2) === 0) await terminal.agent.startComponent('usim/applet');
  await first;
  stage.lastStep();
};

export const honestReboot: Script = async (stage) => {
  const terminal = stage.terminal();
  await audited(stage, terminal);
  await terminal.reboot();
  stage.step('rebooted');
  await terminal.results();
  stage.lastStep();
};

/** The update is written to the slot that does not run; only the reboot switches. */
export const honestUpdate: Script = async (stage) => {
  const { firmware } = stage.site;
  const terminal = stage.terminal({ slots: await firmware.ownSlots(stage.id) });
  await audited(stage, terminal);
  await firmware.install(terminal.slots, 'b', await stage.site.nextRelease());
  await select(terminal.slots, 'b');
  stage.step('update written to the other slot');
  await terminal.results();
  await terminal.reboot();
  stage.step('rebooted');
  await terminal.results();
  stage.lastStep();
};

export const slowLink: Script = async (stage) => {
  const terminal = stage.terminal();
  terminal.wire.interceptor = slow(() => stage.random.between(SLOWEST_MS / 4, SLOWEST_MS));
  await audited(stage, terminal);
  stage.lastStep();
};

/** The network forgets the connection before or after an answer, and never stops doing so. */
export const reconnecting: Script = async (stage) => {
  const terminal = stage.terminal();
  await deploy(stage, terminal);
  await terminal.results();
  const enough = new Moment(stage.site.stopping);
  let cuts = 0;
  const choose = (): 'before' | 'after' | 'never' =>
    stage.random.below(ONE_IN) === 0 ? 'never' : stage.random.pick(['before', 'after']);
  terminal.wire.interceptor = cutting(choose, () => {
    cuts += 1;
    if (cuts === CUTS) enough.now();
  });
  await enough.reached;
  stage.lastStep();
};
