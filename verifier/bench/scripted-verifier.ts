import type { Dial } from '@mtm-attest/agent';
import {
  encodeMessage,
  LogReplay,
  type Message,
  type MessageName,
  parseAttest,
  parseMessage,
  parseSelectionText,
  prefixDigest,
  type TerminalMessage,
  writePcrSelection,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';

const SELECTION = writePcrSelection(parseSelectionText('sha256:0,1,4,5,7,10,11,12,13,14'));
const AUDIENCE = 'verifier';
const BINDING = { type: 'tls-exporter', value: new Uint8Array(32).fill(7) } as const;

interface Line {
  readonly toTerminal: Uint8Array[];
  terminalWaits: ((message: Uint8Array | undefined) => void) | undefined;
  closed: boolean;
}

/** The other end of a channel in the same process, as cheap as can be: it follows the log and affirms everything, so that the agent's cost shows. */
export class ScriptedVerifier {
  #line: Line | undefined;
  #fromTerminal: Uint8Array[] = [];
  #verifierWaits: (() => void) | undefined;
  #replay = new LogReplay(nodeCrypto.sha256);
  #boot = { resetCount: 0, restartCount: 0 };
  #knownList: Uint8Array | undefined;
  #audits = 0;

  /** Contents of the file in which an agent keeps its enrolment with this verifier. */
  static enrolment(terminal: string): string {
    return JSON.stringify({ terminal, audience: AUDIENCE, url: 'wss://localhost/attest', root: '' });
  }

  get audits(): number {
    return this.#audits;
  }

  get events(): number {
    return this.#replay.count;
  }

  readonly dial: Dial = async () => {
    const line: Line = { toTerminal: [], terminalWaits: undefined, closed: false };
    this.#line = line;
    this.#fromTerminal = [];
    this.#say({ type: 'greeting', nonce: new Uint8Array(32).fill(1), audience: AUDIENCE, binding: BINDING.type });
    return {
      binding: BINDING,
      send: (message) => {
        this.#fromTerminal.push(message);
        this.#verifierWaits?.();
      },
      receive: async () => {
        const next = line.toTerminal.shift();
        if (next !== undefined || line.closed) return next;
        return new Promise((resolve) => {
          line.terminalWaits = resolve;
        });
      },
      pause: () => undefined,
      close: () => close(line),
    };
  };

  /** The terminal's next connection has said its hello. */
  async connected(): Promise<void> {
    await this.#hears('hello');
  }

  /** Ends the connection. */
  hangUp(): void {
    if (this.#line !== undefined) close(this.#line);
  }

  /** One audit from challenge to result, from where the log was last. */
  async audit(): Promise<void> {
    const { count } = this.#replay;
    const bytes = this.#say({
      type: 'challenge',
      nonce: nodeCrypto.sha256(new Uint8Array(Float64Array.of(this.#audits).buffer)),
      purpose: count === 0 ? 'gate' : 'runtime',
      selection: SELECTION,
      cursor: { ...this.#boot, count, prefix: prefixDigest(count, this.#replay.values(), nodeCrypto.sha256) },
      ...(this.#knownList === undefined ? {} : { knownList: this.#knownList }),
    });
    await this.#evidence();
    const challenge = nodeCrypto.sha256(bytes).slice(0, 8);
    const leafHash = new Uint8Array(32).fill(this.#audits);
    this.#say({ type: 'result', challenge, verdict: 'trusted', ledgerIndex: this.#audits, leafHash });
    this.#audits += 1;
  }

  async #evidence(): Promise<void> {
    const evidence = await this.#hears('evidence');
    const { resetCount, restartCount } = parseAttest(evidence.attest).clockInfo;
    this.#boot = { resetCount, restartCount };
    this.#replay.feed(evidence.log);
    let more = evidence.moreLog === true;
    while (more) {
      const part = await this.#hears('part');
      this.#replay.feed(part.body);
      more = part.last !== true;
    }
    if (evidence.lists === undefined) return;
    const list = await this.#hears('part');
    this.#knownList = nodeCrypto.sha256(list.body).slice(0, 16);
  }

  #say<N extends MessageName>(message: Message<N>): Uint8Array {
    const bytes = encodeMessage(message);
    const line = this.#line;
    const waiting = line?.terminalWaits;
    if (waiting === undefined) line?.toTerminal.push(bytes);
    else {
      if (line !== undefined) line.terminalWaits = undefined;
      waiting(bytes);
    }
    return bytes;
  }

  async #hears<N extends TerminalMessage['type']>(type: N): Promise<Extract<TerminalMessage, { type: N }>> {
    while (this.#fromTerminal.length === 0) {
      await new Promise<void>((resolve) => {
        this.#verifierWaits = resolve;
      });
    }
    const message = parseMessage(this.#fromTerminal.shift() ?? new Uint8Array(), 'terminal');
    if (message.type !== type) throw new RangeError(`the terminal said ${message.type}`);
    return message as Extract<TerminalMessage, { type: N }>;
  }
}

function close(line: Line): void {
  line.closed = true;
  line.terminalWaits?.(undefined);
  line.terminalWaits = undefined;
}
