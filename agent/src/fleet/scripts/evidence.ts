import type { Message } from '@mtm-attest/protocol';
import { OtherKeyPlatform, ReducedSelectionPlatform } from '../lying-platforms.ts';
import { Moment } from '../moment.ts';
import { random, TerminalDisk } from '../power.ts';
import { audited, deploy, type Script, type Stage } from '../stage.ts';
import type { SimulatedTerminal } from '../terminal.ts';
import { editing } from '../wire/editing.ts';
import { relabelled, spliced, truncated } from '../wire/log-edits.ts';
import { Recording } from '../wire/recording.ts';
import { Relay, replaying } from '../wire/replaying.ts';

const RANDOM_BODY_BYTES = 200;
const APPLICATIONS_PCR = 10;

/** Recorded evidence in the place of fresh evidence, under the id of the open challenge (F-01). */
export const replayedEvidence: Script = (stage) => replay(stage, 'open');

/** Recorded evidence as it was sent, with the id of the challenge that it answered. */
export const replayedVerbatim: Script = (stage) => replay(stage, 'recorded');

async function replay(stage: Stage, under: 'open' | 'recorded'): Promise<void> {
  const terminal = stage.terminal();
  const recording = new Recording();
  terminal.wire.interceptor = recording;
  await audited(stage, terminal);
  const replayed = new Moment(stage.site.stopping);
  terminal.wire.interceptor = replaying(recording.answer, under, replayed.now);
  stage.attack();
  await replayed.reached;
  stage.step('recorded evidence sent');
  stage.lastStep();
}

/** Evidence made for one connection, sent on another under the id of the challenge open there (F-05). */
export const relayedEvidence: Script = async (stage) => {
  const terminal = stage.terminal();
  await audited(stage, terminal);
  const relayed = new Moment(stage.site.stopping);
  terminal.wire.interceptor = new Relay(relayed.now);
  stage.attack();
  await relayed.reached;
  stage.step('evidence of the connection before sent');
  await terminal.results();
  stage.lastStep();
};

/** Quotes by a key that was never enrolled. */
export const otherAk: Script = async (stage) => {
  stage.attack();
  const terminal = stage.terminal({
    lie: async (genuine) => new OtherKeyPlatform(genuine, await new TerminalDisk().powerOn()),
  });
  await untilAppraised(stage, terminal);
};

export const selectionReduced: Script = async (stage) => {
  stage.attack();
  const terminal = stage.terminal({
    lie: async (genuine) => new ReducedSelectionPlatform(genuine, APPLICATIONS_PCR),
  });
  await untilAppraised(stage, terminal);
};

/** One event is left out of what is sent, at the end or in the middle. */
export const logTruncated: Script = async (stage) => {
  const where = stage.random.pick(['end', 'middle'] as const);
  stage.step(`an event is left out: ${where}`);
  await edit(stage, stage.terminal(), (evidence) => ({ ...evidence, log: truncated(evidence.log, where) }));
};

/** The log of the boot before in the place of this one's. */
export const logSpliced: Script = async (stage) => {
  const terminal = stage.terminal();
  await terminal.boot();
  const before = (await terminal.disk.agent.read('log.bin')) ?? new Uint8Array();
  await terminal.stop();
  stage.step('booted once before');
  await edit(stage, terminal, (evidence) => ({ ...evidence, log: spliced(evidence.log, before) }));
};

export const eventRelabelled: Script = async (stage) => {
  await edit(stage, stage.terminal(), (evidence) => ({ ...evidence, log: relabelled(evidence.log) }));
};

/** A well-formed message that holds nothing. */
export const garbage: Script = async (stage) => {
  await edit(stage, stage.terminal(), ({ type, challenge }) => ({
    type,
    challenge,
    attest: random(RANDOM_BODY_BYTES),
    signature: random(RANDOM_BODY_BYTES),
    claims: random(RANDOM_BODY_BYTES),
    log: random(RANDOM_BODY_BYTES),
  }));
};

/** Changes every piece of evidence after the enrolment. */
async function edit(
  stage: Stage,
  terminal: SimulatedTerminal,
  change: (evidence: Message<'evidence'>) => Message<'evidence'>,
): Promise<void> {
  stage.attack();
  terminal.wire.interceptor = editing((evidence) => (evidence.log.length === 0 ? evidence : change(evidence)));
  await untilAppraised(stage, terminal);
}

async function untilAppraised(stage: Stage, terminal: SimulatedTerminal): Promise<void> {
  const first = terminal.results();
  await deploy(stage, terminal);
  await first;
  stage.lastStep();
}
