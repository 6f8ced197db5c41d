import { type ReasonCode, utf8 } from '@mtm-attest/protocol';
import { type DraftTest, invalid, valid } from '../draft.ts';
import { sha256 } from '../keys.ts';
import { audit, type Entry, listOf } from './boot.ts';
import type { Flag } from './notes.ts';
import { AT_THE_GATE, atRuntime, evidenceOf, type Scene } from './scene.ts';

export type Fields = Readonly<Record<string, unknown>>;

export const RUNTIME: Scene = atRuntime();
export const ALTERED: Uint8Array = sha256(utf8('altered'));
/** The events of an honest boot, one by one. */
const [boot, release, agent, config, core, ready, meter, lastAudit] = AT_THE_GATE.extended as readonly [
  Entry,
  Entry,
  Entry,
  Entry,
  Entry,
  Entry,
  Entry,
  Entry,
];
export const BOOT: Entry = boot;
export const RELEASE: Entry = release;
export const AGENT: Entry = agent;
export const CONFIG: Entry = config;
export const CORE: Entry = core;
export const READY: Entry = ready;
export const STARTED: Entry = meter;
export const AUDIT: Entry = lastAudit;

export function trusted(comment: string, scene: Scene, flags: readonly Flag[] = [], change: Fields = {}): DraftTest {
  return valid(comment, { ...evidenceOf(scene), ...change, verdict: 'trusted' }, flags);
}

export function untrusted(comment: string, flag: Flag, code: ReasonCode, scene: Scene, change: Fields = {}): DraftTest {
  return invalid(comment, flag, code, { ...evidenceOf(scene), ...change, verdict: 'untrusted' });
}

/** At the gate, with one thing otherwise. */
export function gate(
  comment: string,
  flag: Flag,
  code: ReasonCode,
  change: Partial<Scene>,
  fields: Fields = {},
): DraftTest {
  return untrusted(comment, flag, code, { ...AT_THE_GATE, ...change }, fields);
}

/** In a runtime audit, with one thing otherwise. */
export function runtime(comment: string, flag: Flag, code: ReasonCode, change: Partial<Scene>): DraftTest {
  return untrusted(comment, flag, code, { ...RUNTIME, ...change });
}

/** These events were extended and sent, all of them honestly. */
export function events(
  comment: string,
  flag: Flag,
  code: ReasonCode,
  extended: readonly Entry[],
  lists: Scene['lists'] = [listOf(3)],
): DraftTest {
  return gate(comment, flag, code, { extended, lists });
}

/** What had been extended before the runtime audit. */
export const RUNTIME_BEFORE: readonly Entry[] = [
  ...AT_THE_GATE.extended.slice(0, -1),
  audit(listOf(3), sha256(utf8('nonce of the gate'))),
];

/** The verifier cannot say: nothing is held against the terminal, and nothing is trusted. */
export function undecided(comment: string, code: ReasonCode, scene: Scene, fields: Fields = {}): DraftTest {
  return invalid(comment, 'Undecided', code, { ...evidenceOf(scene), ...fields, verdict: 'unknown' });
}
