import {
  type ChannelBinding,
  type ComponentList,
  parseComponentList,
  parseSelectionText,
  prefixDigest,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { type AttestationResult, appraise } from '../../src/appraisal/appraise.ts';
import type { AcceptedState, AppraisalInput, ModelReference } from '../../src/appraisal/input.ts';
import { LogFold } from '../../src/appraisal/log-facts.ts';
import { cursorOf } from '../../src/challenge/next-challenge.ts';
import {
  type ChallengeWish,
  type OpenChallenge,
  openChallenge,
  selectionAsked,
} from '../../src/challenge/open-challenge.ts';
import { referenceOf } from './firmware.ts';
import { type Answer, AUDIENCE, CHANNEL, type Lies, type TestTerminal } from './terminal.ts';

export const SELECTION = selectionAsked(parseSelectionText('sha256:0,1,4,5,7,10,11,12,13,14'));
export const NOW = 1_700_000_000_000;

/** A challenge as the endpoint opens it. @param from undefined asks for the whole log */
export function challengeOf(purpose: 'gate' | 'runtime', from?: AcceptedState, nonce = 1): OpenChallenge {
  return openChallenge(wishOf(purpose, from, nonce));
}

export function wishOf(purpose: 'gate' | 'runtime', from?: AcceptedState, nonce = 1): ChallengeWish {
  return {
    purpose,
    nonce: nodeCrypto.sha256(Uint8Array.of(nonce >> 8, nonce & 0xff)),
    selection: SELECTION,
    cursor: cursorOf(from, ({ count, pcrs }) => prefixDigest(count, pcrs, nodeCrypto.sha256)),
    knownList: undefined,
    expiresAt: 1000,
    challengedAt: NOW,
  };
}

/** What the endpoint knows beside challenge and answer. */
export interface Known {
  readonly previous?: AcceptedState | undefined;
  readonly reference?: ModelReference | undefined;
  readonly channel?: ChannelBinding;
  readonly lists?: ReadonlyMap<string, ComponentList>;
  readonly now?: number;
  /** number of the challenge's nonce */
  readonly nonce?: number;
}

/** The input that the endpoint would gather. */
export function inputOf(
  terminal: TestTerminal,
  challenge: OpenChallenge,
  answer: Answer,
  known: Known = {},
): AppraisalInput {
  const { previous } = known;
  const start = challenge.wholeLog || previous === undefined ? undefined : previous;
  const fold = new LogFold(nodeCrypto.sha256, start, start === undefined ? previous?.count : undefined);
  fold.feed(answer.log);
  return {
    challenge,
    evidence: answer,
    binding: known.channel ?? CHANNEL,
    audience: AUDIENCE,
    enrolment: terminal.enrolment(),
    log: fold.facts(),
    lists: known.lists ?? listsOf(terminal),
    reference: 'reference' in known ? known.reference : referenceOf(),
    previous,
    now: known.now ?? NOW,
  };
}

/** Every list that the terminal's audits named. */
export function listsOf({ lists }: TestTerminal): ReadonlyMap<string, ComponentList> {
  return new Map([...lists].map(([hex, { bytes }]) => [hex, parseComponentList(bytes)]));
}

/** A gate appraisal of the whole log. */
export function gate(terminal: TestTerminal, known: Known = {}, lies: Lies = {}): AttestationResult {
  const challenge = challengeOf('gate', undefined, known.nonce);
  return appraise(inputOf(terminal, challenge, terminal.answer(challenge, CHANNEL, 0, lies), known));
}

/** A runtime appraisal of the log after what was accepted. */
export function audit(
  terminal: TestTerminal,
  previous: AcceptedState,
  known: Known = {},
  lies: Lies = {},
): AttestationResult {
  const challenge = challengeOf('runtime', previous, known.nonce ?? 2);
  const answer = terminal.answer(challenge, CHANNEL, previous.count, lies);
  return appraise(inputOf(terminal, challenge, answer, { previous, ...known }));
}

/** The state that an affirming gate appraisal leaves. */
export function admitted(terminal: TestTerminal, known: Known = {}): AcceptedState {
  const { state, verdict, findings } = gate(terminal, known);
  if (state === undefined || verdict !== 'trusted') throw new Error(`not admitted: ${JSON.stringify(findings)}`);
  return state;
}

export function codesOf({ findings }: AttestationResult): readonly string[] {
  return findings.map(({ code }) => code);
}
