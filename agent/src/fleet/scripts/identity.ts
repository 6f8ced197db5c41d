import { AgentError } from '../../error.ts';
import { Moment } from '../moment.ts';
import { audited, type Script, type Stage } from '../stage.ts';
import type { SimulatedTerminal } from '../terminal.ts';
import { evidenceOf } from '../wire/answer.ts';
import { type Interceptor, PASSING } from '../wire/line.ts';

const AUDITS_AFTER_COPY = 2;

/** A copy of the running terminal's state starts, and both go on: each holder connects in turn, then as they like (F-20). */
export const clone: Script = async (stage) => {
  const original = stage.terminal();
  await audited(stage, original);
  const copy = stage.terminal({ slots: original.slots, disk: original.disk.copy() });
  const originalsTurn = new Moment(stage.site.stopping);
  const copysTurn = new Moment(stage.site.stopping);
  original.wire.interceptor = waiting(originalsTurn);
  await copy.boot();
  copy.run();
  await copy.results();
  stage.step('a copy was started and answered');
  copy.wire.interceptor = waiting(copysTurn);
  original.wire.interceptor = attacking(stage, originalsTurn);
  const answered = original.results();
  originalsTurn.now();
  await answered;
  stage.step('the original answered again');
  await handOver(stage, original, copy, copysTurn);
  stage.step('the copy answered again');
  stage.lastStep();
};

/** The original waits until the copy was answered; then nobody waits any more. */
async function handOver(
  stage: Stage,
  original: SimulatedTerminal,
  copy: SimulatedTerminal,
  copysTurn: Moment,
): Promise<void> {
  const bothFree = new Moment(stage.site.stopping);
  original.wire.interceptor = waiting(bothFree);
  const answered = copy.results();
  copysTurn.now();
  await answered;
  bothFree.now();
}

function waiting({ reached }: Moment): Interceptor {
  return { ...PASSING, dialling: () => reached };
}

/** The attack step is the first evidence that the original sends. */
function attacking(stage: Stage, turn: Moment): Interceptor {
  let first = true;
  return {
    dialling: () => turn.reached,
    outgoing: (message, line) => {
      line.send(message);
      if (!first || evidenceOf(message) === undefined) return;
      first = false;
      stage.attack();
    },
  };
}

/** The state directory is put back from an old copy, after audits that the copy does not know, and perhaps after a reboot. */
export const stateRestored: Script = async (stage) => {
  const terminal = stage.terminal();
  await audited(stage, terminal);
  const old = terminal.disk.copy();
  await terminal.results(AUDITS_AFTER_COPY);
  if (stage.random.below(2) === 0) {
    await terminal.reboot();
    stage.step('rebooted');
    await terminal.results(AUDITS_AFTER_COPY);
  }
  await terminal.stop();
  terminal.disk = old;
  stage.attack();
  await terminal.boot();
  terminal.run();
  stage.step('an old copy of the state runs');
  await terminal.results();
  stage.lastStep();
};

/** A second terminal presents the token that the first one has used. */
export const tokenReused: Script = async (stage) => {
  const first = stage.terminal();
  const token = await audited(stage, first);
  const second = stage.terminal();
  await second.boot();
  const refused = await refusalOf(second.agent.enrol(token));
  stage.attack();
  stage.check('the second terminal is not enrolled', refused && second.agent.enrolment === undefined);
  stage.lastStep();
};

async function refusalOf(enrolling: Promise<void>): Promise<boolean> {
  try {
    await enrolling;
    return false;
  } catch (error) {
    if (error instanceof AgentError && error.code === 'session.refused') return true;
    throw error;
  }
}
