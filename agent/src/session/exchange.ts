import {
  type BootIdentity,
  CHALLENGE_ID_BYTES,
  challengeId,
  compareBootIdentity,
  type EnrolmentToken,
  encodeMessage,
  equalBytes,
  type Message,
  type MessageName,
  parseMessage,
  stepTerminal,
  type TerminalInput,
  type TerminalState,
  type VerifierMessage,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { AgentError } from '../error.ts';
import type { AgentLog } from '../log.ts';
import type { EvidenceContext, EvidenceSource } from '../measurement/evidence.ts';
import type { EndorsementKey, PlatformIdentity, TrustedPlatform } from '../platform/platform.ts';
import type { Channel } from './channel.ts';
import type { Enrolment } from './enrolment-file.ts';

/** What an exchange is made of. */
export interface ExchangeServices {
  readonly platform: TrustedPlatform;
  readonly identity: PlatformIdentity;
  readonly evidence: EvidenceSource;
  readonly log: AgentLog;
  /** A result came; it is filed when this resolves. */
  readonly result: (result: Message<'result'>) => Promise<void>;
  /** The verifier took the hello: it challenges. */
  readonly proven: () => void;
}

/** Time for the greeting, and for each answer towards an enrolment. */
const GREETING_MS = 10_000;
const ENROLMENT_MS = 60_000;

/** One connection from greeting to close. Every message is held against the transition table before anything is done about it (F-59). */
export class Exchange {
  readonly #channel: Channel;
  readonly #services: ExchangeServices;
  #state: TerminalState = 'connected';
  /** id of the challenge answered last, for a list asked for afterwards */
  #answered: Uint8Array = new Uint8Array(CHALLENGE_ID_BYTES);

  constructor(channel: Channel, services: ExchangeServices) {
    this.#channel = channel;
    this.#services = services;
  }

  /**
   * Turns a token into an enrolment (SPEC.md 6.5).
   * @param ek where the class of the token asks for it
   * @returns the audience to expect from now on
   * @throws AgentError `session.*`, `tpm.*`; ProtocolError for bytes that are no message
   */
  async enrol(token: EnrolmentToken, ek: EndorsementKey | undefined): Promise<string> {
    const { identity, evidence } = this.#services;
    const { audience } = await this.#greeting();
    this.#step('enrol-sent');
    const { akPublic, sessionKey } = identity;
    this.#send({ type: 'enrol', terminal: token.terminal, token: token.secret, akPublic, sessionKey, ...shown(ek) });
    const { message: challenge, bytes } = await this.#expect('challenge', ENROLMENT_MS);
    if (challenge.purpose !== 'enrol') throw new AgentError('session.refused', `purpose ${challenge.purpose}`);
    const { credential, encryptedSecret } = challenge;
    if ([credential, encryptedSecret].some((half) => (half === undefined) !== (ek === undefined))) {
      throw new AgentError('session.refused', 'the challenge has another credential than the token asks for');
    }
    const context = { binding: this.#channel.binding, audience, terminal: token.terminal };
    this.#send(await evidence.enrolment(challenge, bytes, context, nodeCrypto.sha256(token.secret)));
    this.#step('evidence-sent');
    const { message: enrolled } = await this.#expect('enrolled', ENROLMENT_MS);
    if (enrolled.terminal !== token.terminal || enrolled.audience !== audience)
      throw new AgentError('session.audience');
    return audience;
  }

  /**
   * Proves which terminal this is, then answers challenges until the connection ends.
   * @throws AgentError `session.*`, `platform.*`; `log.full` after the verifier was told so; ProtocolError for bytes that are no message or come at the wrong time
   */
  async serve({ terminal, audience: expected }: Enrolment): Promise<void> {
    const { nonce, audience } = await this.#greeting();
    if (audience !== expected) throw new AgentError('session.audience', audience);
    const context = { binding: this.#channel.binding, audience, terminal };
    const signature = await this.#services.platform.signHello({ nonce, ...context });
    this.#step('hello-sent');
    this.#send({ type: 'hello', terminal, signature });
    for (;;) {
      const received = await this.#receive();
      if (received === undefined) return;
      await this.#handle(received.message, received.bytes, context);
    }
  }

  async #handle(message: VerifierMessage, bytes: Uint8Array, context: EvidenceContext): Promise<void> {
    switch (message.type) {
      case 'challenge':
        this.#services.proven();
        return this.#challenged(message, bytes, context);
      case 'want':
        return this.#sendAll(this.#services.evidence.list(this.#answered, message.list));
      case 'result':
        return this.#services.result(message);
      case 'noResult':
        this.#services.log.info({ code: message.code }, 'evidence that changed no verdict');
        return undefined;
      default:
        return undefined;
    }
  }

  /** The cursor is the verifier's: another boot is announced, never talked over (SPEC.md 6.4). */
  async #challenged(challenge: Message<'challenge'>, bytes: Uint8Array, context: EvidenceContext): Promise<void> {
    const { boot } = this.#services.identity;
    this.#answered = challengeId(nodeCrypto.sha256(bytes));
    const { cursor, purpose } = challenge;
    if (purpose !== 'gate' && purpose !== 'runtime') throw new AgentError('session.refused', `purpose ${purpose}`);
    if (cursor !== undefined && cursor.count > 0 && !isSameBoot(cursor, boot)) {
      this.#send({ type: 'bootNew', challenge: this.#answered, boot });
      this.#step('bootNew-sent');
      return;
    }
    try {
      await this.#sendAll(this.#services.evidence.answer(challenge, bytes, context));
    } catch (error) {
      // No evidence will come until the terminal reboots: the operator is to see why, not only that it stays out.
      if (error instanceof AgentError && error.code === 'log.full') this.#send({ type: 'refusal', code: error.code });
      throw error;
    }
    this.#step('evidence-sent');
  }

  /** A difference in the binding is told before anything is signed for it. */
  async #greeting(): Promise<Message<'greeting'>> {
    const { message } = await this.#expect('greeting', GREETING_MS);
    if (message.binding !== this.#channel.binding.type) throw new AgentError('session.binding', message.binding);
    return message;
  }

  async #expect<N extends VerifierMessage['type']>(
    type: N,
    withinMs: number,
  ): Promise<{ readonly message: Extract<VerifierMessage, { type: N }>; readonly bytes: Uint8Array }> {
    const received = await this.#receive(withinMs);
    if (received === undefined) throw new AgentError('session.closed');
    const { message, bytes } = received;
    if (!isOfType(message, type)) throw new AgentError('session.refused', message.type);
    return { message, bytes };
  }

  /** The next message, already stepped. @throws AgentError `session.refused` where the verifier ends the connection and says why */
  async #receive(
    withinMs?: number,
  ): Promise<{ readonly message: VerifierMessage; readonly bytes: Uint8Array } | undefined> {
    const bytes = await this.#channel.receive(withinMs);
    if (bytes === undefined) return undefined;
    const message = parseMessage(bytes, 'verifier');
    if (message.type === 'noResult' && !this.#isAnswered(message.challenge)) return this.#receive(withinMs);
    this.#step(message.type);
    if (message.type === 'refusal') throw new AgentError('session.refused', message.code);
    return { message, bytes };
  }

  /** A late answer to an older challenge says nothing about the one answered since (SPEC.md 6.6). */
  #isAnswered(challenge: Uint8Array): boolean {
    return equalBytes(challenge, this.#answered);
  }

  async #sendAll(messages: AsyncIterable<Message<'evidence'> | Message<'part'>>): Promise<void> {
    for await (const message of messages) this.#channel.send(encodeMessage(message));
  }

  #send<N extends MessageName>(message: Message<N>): void {
    this.#channel.send(encodeMessage(message));
  }

  #step(input: TerminalInput): void {
    this.#state = stepTerminal(this.#state, input);
  }
}

function shown(ek: EndorsementKey | undefined): Pick<Message<'enrol'>, 'ek' | 'ekCertificate'> {
  if (ek === undefined) return {};
  const { area, certificate } = ek;
  return { ek: area, ...(certificate === undefined ? {} : { ekCertificate: certificate }) };
}

function isSameBoot(a: BootIdentity, b: BootIdentity): boolean {
  return compareBootIdentity(a, b) === 0;
}

function isOfType<N extends VerifierMessage['type']>(
  message: VerifierMessage,
  type: N,
): message is Extract<VerifierMessage, { type: N }> {
  return message.type === type;
}
