import { TLSSocket } from 'node:tls';
import {
  type AnyMessage,
  type ChannelBinding,
  encodeMessage,
  MAX_SLICE_BYTES,
  type Message,
  type MessageName,
  parseMessage,
  parsePcrSelection,
  SUBPROTOCOL,
  toHex,
  type VerifierMessage,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { type ClientOptions, WebSocket } from 'ws';
import type { ChallengeFacts } from '../../src/appraisal/input.ts';
import { type Answer, AUDIENCE, type Lies, type TestTerminal } from '../appraisal/terminal.ts';

/** A challenge as the terminal sees it. */
export interface ReceivedChallenge extends ChallengeFacts {
  readonly message: Message<'challenge'>;
  readonly id: Uint8Array;
}

/** The other end of one connection, message by message: it says what a test tells it to. */
export class TerminalClient {
  readonly socket: WebSocket;
  readonly binding: ChannelBinding;
  readonly #messages: Uint8Array[] = [];
  readonly #closed: Promise<number>;
  #wake: () => void = () => undefined;
  #isClosed = false;

  private constructor(socket: WebSocket, binding: ChannelBinding) {
    this.socket = socket;
    this.binding = binding;
    socket.on('message', (data: Buffer) => {
      this.#messages.push(new Uint8Array(data));
      this.#wake();
    });
    this.#closed = new Promise((resolve) => {
      socket.on('close', (code) => {
        this.#isClosed = true;
        this.#wake();
        resolve(code);
      });
    });
  }

  /** @throws where the upgrade is refused */
  static connect(url: string, ca: string, options: ClientOptions = {}): Promise<TerminalClient> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, SUBPROTOCOL, { ca, perMessageDeflate: false, ...options });
      let client: TerminalClient | undefined;
      socket.on('upgrade', ({ socket: tls }) => {
        client = new TerminalClient(socket, bindingOf(tls));
      });
      socket.on('open', () => {
        if (client !== undefined) resolve(client);
      });
      socket.on('error', reject);
    });
  }

  send<N extends MessageName>(message: Message<N>): void {
    this.sendBytes(encodeMessage(message));
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.send(bytes);
  }

  /** The next message's bytes. @throws where the connection ends instead */
  async nextBytes(): Promise<Uint8Array> {
    while (this.#messages.length === 0) {
      if (this.#isClosed) expect.fail('the connection ended');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#messages.shift() ?? expect.fail('no message');
  }

  async next(): Promise<VerifierMessage> {
    return parseMessage(await this.nextBytes(), 'verifier');
  }

  async expect<N extends VerifierMessage['type']>(type: N): Promise<Extract<VerifierMessage, { type: N }>> {
    const message = await this.next();
    return isOfType(message, type) ? message : expect.fail(`${type} expected, not ${JSON.stringify(message)}`);
  }

  async challenge(): Promise<ReceivedChallenge> {
    const bytes = await this.nextBytes();
    const message = parseMessage(bytes, 'verifier');
    if (message.type !== 'challenge') expect.fail(`challenge expected, not ${JSON.stringify(message)}`);
    const digest = nodeCrypto.sha256(bytes);
    const { purpose, nonce, selection } = message;
    const selectedPcrs = parsePcrSelection(selection).flatMap(({ pcrs }) => pcrs);
    return { message, id: digest.slice(0, 8), digest, purpose, nonce, selection, selectedPcrs };
  }

  /** Evidence for a challenge that nobody sent: late, whatever it says. */
  sendStrayEvidence(): void {
    const byte = new Uint8Array(1);
    const challenge = new Uint8Array(8);
    this.send({ type: 'evidence', challenge, attest: byte, signature: byte, claims: byte, log: new Uint8Array() });
  }

  /** The code of the close frame, once the connection has ended; messages that came before it are skipped. */
  closed(): Promise<number> {
    return this.#closed;
  }

  /** The refusal that ends the connection, with the close code after it. */
  async refused(): Promise<readonly [string, number]> {
    const { code } = await this.expect('refusal');
    return [code, await this.closed()];
  }

  /** Everything that came up to the end of the connection. */
  async rest(): Promise<readonly AnyMessage[]> {
    await this.closed();
    return this.#messages.splice(0).map((bytes) => parseMessage(bytes, 'verifier'));
  }

  async end(): Promise<void> {
    this.socket.close();
    await this.closed();
  }

  /** A round trip: everything sent before has been received, and everything the verifier sent before has come. */
  async roundTrip(): Promise<void> {
    const pong = new Promise((resolve) => this.socket.once('pong', resolve));
    this.socket.ping();
    await pong;
  }

  /** Answers the greeting. @param signer who signs; somebody else’s key makes it a stranger */
  async hello(terminal: TestTerminal, signer: TestTerminal = terminal): Promise<void> {
    const { nonce, audience } = await this.expect('greeting');
    expect(audience).to.equal(AUDIENCE);
    const signature = signer.signHello({ nonce, audience, binding: this.binding, terminal: terminal.id });
    this.send({ type: 'hello', terminal: terminal.id, signature });
  }

  /** Answers a challenge with everything that belongs to it. @returns what was sent */
  answer(terminal: TestTerminal, challenge: ReceivedChallenge, lies: Lies = {}): readonly Uint8Array[] {
    const answer = terminal.answer(challenge, this.binding, challenge.message.cursor?.count ?? 0, lies);
    return this.sendAnswer(answer, challenge);
  }

  sendAnswer(answer: Answer, challenge: ReceivedChallenge): readonly Uint8Array[] {
    const known = challenge.message.knownList;
    const isKnown = known !== undefined && toHex(answer.list.digest).startsWith(toHex(known));
    const messages = evidenceMessages(answer, challenge.id, !isKnown).map((message) => encodeMessage(message));
    for (const bytes of messages) this.sendBytes(bytes);
    return messages;
  }

  /** Answers the next challenge and waits for its result. */
  async audited(terminal: TestTerminal, lies: Lies = {}): Promise<Message<'result'>> {
    this.answer(terminal, await this.challenge(), lies);
    return await this.expect('result');
  }
}

/** Evidence and its parts. The log is cut where it is longer than one slice, between records of one size. */
export function evidenceMessages(
  { attest, signature, claims, log, list }: Answer,
  challenge: Uint8Array,
  withList: boolean,
): readonly (Message<'evidence'> | Message<'part'>)[] {
  const [first = new Uint8Array(), ...more] = slicesOf(log);
  const evidence: Message<'evidence'> = {
    type: 'evidence',
    challenge,
    attest,
    signature,
    claims,
    log: first,
    ...(more.length > 0 ? { moreLog: true } : {}),
    ...(withList ? { lists: 1 } : {}),
  };
  return [
    evidence,
    ...partsOf(challenge, 'log', more),
    ...(withList ? partsOf(challenge, 'list', piecesOf(list.bytes)) : []),
  ];
}

function partsOf(
  challenge: Uint8Array,
  kind: Message<'part'>['kind'],
  bodies: readonly Uint8Array[],
): readonly Message<'part'>[] {
  return bodies.map((body, i) => {
    return { type: 'part', challenge, kind, body, ...(i === bodies.length - 1 ? { last: true } : {}) };
  });
}

export function listParts(challenge: Uint8Array, bytes: Uint8Array): readonly Message<'part'>[] {
  return partsOf(challenge, 'list', piecesOf(bytes));
}

function piecesOf(bytes: Uint8Array): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += MAX_SLICE_BYTES) {
    pieces.push(bytes.subarray(at, at + MAX_SLICE_BYTES));
  }
  return pieces;
}

/** Whole records, as many as fit into a slice. */
function slicesOf(log: Uint8Array): readonly Uint8Array[] {
  const slices: Uint8Array[] = [];
  let [start, end] = [0, 0];
  while (end < log.length) {
    const length = 4 + (log[end + 3] ?? 0);
    if (end + length - start > MAX_SLICE_BYTES) {
      slices.push(log.subarray(start, end));
      start = end;
    }
    end += length;
  }
  slices.push(log.subarray(start));
  return slices;
}

function bindingOf(socket: unknown): ChannelBinding {
  if (!(socket instanceof TLSSocket)) expect.fail('no TLS');
  const value = socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  return { type: 'tls-exporter', value: new Uint8Array(value) };
}

function isOfType<N extends VerifierMessage['type']>(
  message: VerifierMessage,
  type: N,
): message is Extract<VerifierMessage, { type: N }> {
  return message.type === type;
}
