import { Moment } from '../moment.ts';
import { audited, type Script } from '../stage.ts';
import { late, mute, silent } from '../wire/links.ts';

/** Socket open, no frame, no pong. */
export const silentTerminal: Script = async (stage) => {
  const { stopping } = stage.site;
  const terminal = stage.terminal();
  await audited(stage, terminal);
  const quiet = new Moment(stopping);
  terminal.wire.interceptor = silent(new Moment(stopping).reached, quiet.now);
  await quiet.reached;
  stage.attack();
  stage.lastStep();
};

/** Answers pings, never a challenge. */
export const muteTerminal: Script = async (stage) => {
  const terminal = stage.terminal();
  await audited(stage, terminal);
  const quiet = new Moment(stage.site.stopping);
  terminal.wire.interceptor = mute(quiet.now);
  stage.attack();
  await quiet.reached;
  stage.lastStep();
};

/** Answers every challenge when its nonce is dead. */
export const tooLate: Script = async (stage) => {
  const terminal = stage.terminal();
  await audited(stage, terminal);
  const answered = new Moment(stage.site.stopping);
  terminal.wire.interceptor = late(answered.now);
  stage.attack();
  await answered.reached;
  stage.step('answered the challenge before the last');
  stage.lastStep();
};
