import { createPublicKey, type KeyObject } from 'node:crypto';
import { type ComponentList, encodeMessage, parseMessage, parseSignature, prefixDigest } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { type AttestationResult, appraise } from '../src/appraisal/appraise.ts';
import type { AcceptedState, EnrolmentFacts, ModelReference } from '../src/appraisal/input.ts';
import { LogFold } from '../src/appraisal/log-facts.ts';
import { settle } from '../src/appraisal/settle.ts';
import { cursorOf, nextChallenge } from '../src/challenge/next-challenge.ts';
import { type OpenChallenge, openChallenge } from '../src/challenge/open-challenge.ts';
import type { TerminalRecord } from '../src/endpoint/terminal-record.ts';
import { challengeOf, gate, listsOf, NOW, SELECTION } from '../test/appraisal/appraisal.ts';
import { referenceOf } from '../test/appraisal/firmware.ts';
import { recordOf } from '../test/appraisal/record.ts';
import { AUDIENCE, CHANNEL, TestTerminal } from '../test/appraisal/terminal.ts';

/** What a bare verification needs of the same evidence. */
export interface BareQuote {
  readonly attest: Uint8Array;
  /** r and s */
  readonly signature: Uint8Array;
  readonly key: KeyObject;
}

const NONCE = new Uint8Array(32).fill(9);

/** A later audit of an admitted terminal on which nothing changed: the evidence message as received, and all that the verifier knows. */
export class SteadyAudit {
  readonly frame: Uint8Array;
  readonly bare: BareQuote;
  readonly #record: TerminalRecord;
  readonly #accepted: AcceptedState;
  readonly #challenge: OpenChallenge;
  readonly #enrolment: EnrolmentFacts;
  readonly #lists: ReadonlyMap<string, ComponentList>;
  readonly #reference: ModelReference = referenceOf();

  /** @param events so many at least are in the log before */
  constructor(events: number) {
    const terminal = new TestTerminal().bootRelease();
    const { digest: listDigest } = terminal.list();
    while (terminal.count < events - 1) terminal.append({ type: 'audit', nonce: NONCE, listDigest });
    const { state, verdict } = gate(terminal);
    if (state === undefined || verdict !== 'trusted') throw new RangeError('not admitted');
    this.#accepted = state;
    this.#challenge = challengeOf('runtime', state, 2);
    this.#record = recordOf(terminal, { admission: 'admitted', accepted: state, lastAffirmedAt: NOW });
    this.#enrolment = terminal.enrolment();
    const { attest, signature, claims, log } = terminal.answer(this.#challenge, CHANNEL, state.count);
    this.#lists = listsOf(terminal);
    this.frame = encodeMessage({ type: 'evidence', challenge: this.#challenge.id, attest, signature, claims, log });
    const key = createPublicKey({ key: Buffer.from(terminal.ak.spki()), format: 'der', type: 'spki' });
    this.bare = { attest, signature: parseSignature(signature).signature, key };
  }

  get events(): number {
    return this.#accepted.count;
  }

  /** Opens a challenge from stored state, as for every audit. */
  challenge(): OpenChallenge {
    const { from, purpose } = nextChallenge({
      admitted: true,
      pending: false,
      accepted: this.#accepted,
      condemned: undefined,
      referenceRevision: this.#reference.revision,
      referenceDigest: this.#reference.releases.get(this.#accepted.release)?.digest,
    });
    return openChallenge({
      purpose,
      nonce: NONCE,
      selection: SELECTION,
      cursor: cursorOf(from, ({ count, pcrs }) => prefixDigest(count, pcrs, nodeCrypto.sha256)),
      knownList: this.#accepted.listDigest.subarray(0, 16),
      expiresAt: 1000,
      challengedAt: NOW,
    });
  }

  /** From the bytes of the message to the result. @throws RangeError where that is not `trusted` */
  appraise(): AttestationResult {
    const message = parseMessage(this.frame, 'terminal');
    if (message.type !== 'evidence') throw new RangeError(message.type);
    const fold = new LogFold(nodeCrypto.sha256, this.#accepted);
    fold.feed(message.log);
    const result = appraise({
      challenge: this.#challenge,
      evidence: message,
      binding: CHANNEL,
      audience: AUDIENCE,
      enrolment: this.#enrolment,
      log: fold.facts(),
      lists: this.#lists,
      reference: this.#reference,
      previous: this.#accepted,
      now: NOW,
    });
    if (result.verdict !== 'trusted') throw new RangeError(JSON.stringify(result.findings));
    return result;
  }

  /** Challenge, appraisal, and the row that follows. */
  whole(): void {
    this.challenge();
    settle(this.#record, this.appraise(), { purpose: 'runtime', at: NOW, referenceRevision: 1 });
  }
}
