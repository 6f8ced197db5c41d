import { type ReasonCode, utf8 } from '@mtm-attest/protocol';
import { fill } from '../bytes.ts';
import type { DraftTest } from '../draft.ts';
import { sha256 } from '../keys.ts';
import { audit, bootEvents, type Entry, EXPIRY, fileDigest, listOf, RUNTIME_COMPONENT, started } from './boot.ts';
import { AT_THE_GATE, acceptedAt, type Scene } from './scene.ts';
import {
  AGENT,
  ALTERED,
  AUDIT,
  BOOT,
  CONFIG,
  CORE,
  events,
  gate,
  READY,
  RELEASE,
  RUNTIME_BEFORE,
  runtime,
} from './verdicts.ts';

export function releaseTests(): readonly DraftTest[] {
  const runs = (comment: string, code: ReasonCode, release: number, now = AT_THE_GATE.now): DraftTest =>
    gate(comment, 'Release', code, {
      extended: [...bootEvents(release), audit(listOf(release))],
      lists: [listOf(release)],
      now,
    });
  return [
    runs('an unknown release', 'release.unknown', 9),
    runs('a release below the minimum', 'release.below-minimum', 1),
    runs('release 2 a millisecond after its last day', 'release.expired', 2, EXPIRY + 1),
    runtime('the release expired since the gate', 'Release', 'release.expired', {
      extended: [audit(listOf(2))],
      lists: [listOf(2)],
      previous: { ...acceptedAt(RUNTIME_BEFORE, 2), release: 2 },
      now: EXPIRY + 1,
    }),
  ];
}

export function componentTests(): readonly DraftTest[] {
  const change = (name: string, digest: Uint8Array) =>
    listOf(3).map((one) => (one.name === name ? { name, digest } : one));
  const altered = change('agent', ALTERED);
  const badAgent: Entry = [4, { type: 'component', name: 'agent', digest: ALTERED }];
  const foreign: Entry = [4, { type: 'component', name: 'rootkit', digest: ALTERED }];
  const moved: Entry = [1, { type: 'component', name: 'agent', digest: fileDigest('agent', 3) }];
  const old: Entry = [4, { type: 'component', name: 'lib/core', digest: fileDigest('lib/core', 2) }];
  const early: Entry = [4, { type: 'component', name: RUNTIME_COMPONENT, digest: fileDigest(RUNTIME_COMPONENT, 3) }];
  const more = [...listOf(3), { name: 'rootkit', digest: ALTERED }];
  const fewer = listOf(3).filter(({ name }) => name !== 'lib/core');
  const at = (comment: string, code: ReasonCode, extended: readonly Entry[], list = listOf(3)): DraftTest =>
    events(comment, 'Component', code, [...extended, audit(list)], [list]);
  const live = (comment: string, code: ReasonCode, list: Scene['lists'][number]): DraftTest =>
    runtime(comment, 'Component', code, { extended: [audit(list)], lists: [list] });
  const earlier = audit(altered, sha256(utf8('a nonce whose evidence was lost')));
  return [
    at('a component altered before boot', 'component.digest', [BOOT, RELEASE, badAgent, CONFIG, CORE, READY], altered),
    at('altered at boot, restored since', 'component.digest', [BOOT, RELEASE, badAgent, CONFIG, CORE, READY]),
    at('a component of another release', 'component.digest', [BOOT, RELEASE, AGENT, CONFIG, old, READY]),
    at('an unlisted component at boot', 'component.unlisted', [BOOT, RELEASE, AGENT, CONFIG, CORE, foreign, READY]),
    at('a runtime component at boot', 'component.unlisted', [BOOT, RELEASE, AGENT, CONFIG, CORE, early, READY]),
    at('a component not measured at boot', 'component.missing', [BOOT, RELEASE, AGENT, CONFIG, READY]),
    at('a component in another PCR', 'component.pcr', [BOOT, RELEASE, moved, CONFIG, CORE, READY]),
    at('an unlisted component started', 'component.unlisted', [...bootEvents(3), started('rootkit', ALTERED)]),
    at('a listed component started altered', 'component.digest', [
      ...bootEvents(3),
      started(RUNTIME_COMPONENT, ALTERED),
    ]),
    live('a component altered after boot', 'component.digest', altered),
    live('a runtime component altered', 'component.digest', change(RUNTIME_COMPONENT, ALTERED)),
    live('a file that was not there', 'component.digest', change('lib/core', fill(32, 0))),
    live('an unlisted file in the audited set', 'component.unlisted', more),
    live('a boot component left out of the audit', 'component.missing', fewer),
    live('nothing audited', 'component.missing', []),
    runtime('altered in an earlier audit, restored since', 'Component', 'component.digest', {
      extended: [earlier, AUDIT],
      lists: [altered, listOf(3)],
    }),
  ];
}
