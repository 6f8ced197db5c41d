import { bytes, fill } from '../bytes.ts';
import type { DraftTest } from '../draft.ts';
import { audit, bootEvents, type Entry, fileDigest, listOf } from './boot.ts';
import { AT_THE_GATE, type Scene } from './scene.ts';
import {
  AGENT,
  ALTERED,
  AUDIT,
  BOOT,
  CONFIG,
  CORE,
  events,
  READY,
  RELEASE,
  RUNTIME,
  runtime,
  STARTED,
  untrusted,
} from './verdicts.ts';

/** Logs that do not lead to the quote, and logs that do but are no boot. */
export function logTests(): readonly DraftTest[] {
  return [...notWhatWasExtended(), ...noBootInOrder(), ...notFresh()];
}

/** The quote is over what was extended; something else is sent (F-26, F-27). */
function notWhatWasExtended(): readonly DraftTest[] {
  const sent = (comment: string, entries: readonly Entry[], scene: Scene = AT_THE_GATE): DraftTest =>
    untrusted(comment, 'LogReplay', 'log.replay', { ...scene, sent: entries });
  const whole = AT_THE_GATE.extended;
  const relabelled: Entry = [4, { type: 'component', name: 'agenda', digest: fileDigest('agent', 3) }];
  const swapped: Entry = [4, { type: 'component', name: 'agent', digest: ALTERED }];
  return [
    sent('the last event left out', whole.slice(0, -1)),
    sent(
      'an event left out in the middle',
      whole.filter((entry) => entry !== CORE),
    ),
    sent('the boot event of another boot', [...bootEvents(3, 2).slice(0, 1), ...whole.slice(1)]),
    sent('the log of another boot', [...bootEvents(3, 2), STARTED, AUDIT]),
    sent(
      'a component renamed',
      whole.map((entry) => (entry === AGENT ? relabelled : entry)),
    ),
    sent('an altered component shown as the listed one', [BOOT, RELEASE, AGENT, CONFIG, CORE, READY, STARTED, AUDIT], {
      ...AT_THE_GATE,
      extended: whole.map((entry) => (entry === AGENT ? swapped : entry)),
    }),
    sent(
      'a started component left out',
      whole.filter((entry) => entry !== STARTED),
    ),
    sent('two events of one PCR exchanged', [BOOT, RELEASE, CORE, CONFIG, AGENT, READY, STARTED, AUDIT]),
    sent('no log at all', []),
    sent('an audit left out of the slice', [AUDIT], { ...RUNTIME, extended: [audit(listOf(3), fill(32, 9)), AUDIT] }),
    sent('the whole log where a slice was asked for', [...whole.slice(0, -1), AUDIT], RUNTIME),
  ];
}

/** What was extended is what is sent, and it is no complete boot. */
function noBootInOrder(): readonly DraftTest[] {
  const order = (comment: string, extended: readonly Entry[]): DraftTest =>
    events(comment, 'LogOrder', 'log.order', extended);
  return [
    order('the release before the boot', [RELEASE, BOOT, AGENT, CONFIG, CORE, READY, STARTED, AUDIT]),
    order('a second release', [BOOT, RELEASE, RELEASE, AGENT, CONFIG, CORE, READY, STARTED, AUDIT]),
    order('a boot component after the end of the boot', [BOOT, RELEASE, AGENT, CONFIG, READY, CORE, AUDIT]),
    order('the boot completed twice', [BOOT, RELEASE, AGENT, CONFIG, CORE, READY, READY, AUDIT]),
    order('something started before the end of the boot', [BOOT, RELEASE, AGENT, CONFIG, CORE, STARTED, READY, AUDIT]),
    order('the log names another boot than the quote', [...bootEvents(3, 2), AUDIT]),
    order('no release named', [BOOT, AGENT, CONFIG, CORE, READY, AUDIT]),
    events('the boot not completed', 'LogOrder', 'boot.incomplete', [BOOT, RELEASE, AGENT, CONFIG, CORE, AUDIT]),
    events('an event of an unknown kind', 'LogOrder', 'log.event', [...bootEvents(3), [12, bytes('91 63')], AUDIT]),
    events('an event in a PCR that is not its own', 'LogOrder', 'log.event', [
      ...bootEvents(3),
      [7, { type: 'ready' }],
      AUDIT,
    ]),
  ];
}

/** Nothing was measured for the open challenge (F-24). */
function notFresh(): readonly DraftTest[] {
  return [
    events('the last audit names another challenge', 'NotFresh', 'audit.not-fresh', [
      ...bootEvents(3),
      audit(listOf(3), fill(32, 9)),
    ]),
    events('the audit for this challenge is not the last', 'NotFresh', 'audit.not-fresh', [
      ...bootEvents(3),
      AUDIT,
      audit(listOf(3), fill(32, 9)),
    ]),
    events('no audit', 'NotFresh', 'audit.not-fresh', bootEvents(3)),
    runtime('no event since the last audit', 'NotFresh', 'audit.not-fresh', { extended: [] }),
  ];
}
