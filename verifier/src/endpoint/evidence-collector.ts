import {
  type ComponentList,
  type Message,
  ProtocolError,
  parseComponentList,
  toHex,
  Writer,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import type { LogFold } from '../appraisal/log-facts.ts';
import type { OpenChallenge } from '../challenge/open-challenge.ts';

export interface CollectorLimits {
  readonly maxEvents: number;
  /** bytes of all component lists of one answer */
  readonly maxListBytes: number;
}

/** Evidence while its parts come in: the log is folded at once, only component lists are kept. */
export class EvidenceCollector {
  readonly challenge: OpenChallenge;
  readonly message: Message<'evidence'>;
  /** SHA-256 of the evidence message as received */
  readonly digest: Uint8Array;
  readonly fold: LogFold;
  /** lists received, by hexadecimal digest */
  readonly lists: Map<string, { readonly list: ComponentList; readonly bytes: Uint8Array }> = new Map();
  readonly #limits: CollectorLimits;
  #logOpen: boolean;
  #listsDue: number;
  #list = new Writer(0);
  #listBytes = 0;
  #exceeded = false;

  constructor(
    challenge: OpenChallenge,
    message: Message<'evidence'>,
    digest: Uint8Array,
    fold: LogFold,
    limits: CollectorLimits,
  ) {
    this.challenge = challenge;
    this.message = message;
    this.digest = digest;
    this.fold = fold;
    this.#limits = limits;
    this.#logOpen = message.moreLog === true;
    this.#listsDue = message.lists ?? 0;
    this.#log(message.log);
  }

  get complete(): boolean {
    return !this.#logOpen && this.#listsDue === 0;
  }

  /** True once a limit was passed; from then on nothing is kept. */
  get exceeded(): boolean {
    return this.#exceeded;
  }

  /** One more list was asked for. */
  expectList(): void {
    this.#listsDue += 1;
  }

  /** @throws ProtocolError `session.unexpected-message` for a part that nothing announced */
  part(part: Message<'part'>): void {
    if (part.kind === 'log') {
      if (!this.#logOpen) throw new ProtocolError('session.unexpected-message');
      this.#log(part.body);
      if (part.last === true) this.#logOpen = false;
      return;
    }
    if (this.#logOpen || this.#listsDue === 0) throw new ProtocolError('session.unexpected-message');
    this.#listPart(part.body, part.last === true);
  }

  #log(slice: Uint8Array): void {
    if (this.#exceeded) return;
    this.fold.feed(slice);
    if (this.fold.count > this.#limits.maxEvents || this.fold.exceeded) this.#exceeded = true;
  }

  /** Copied into one buffer: what is kept is as large as the list, into however many parts it was cut. */
  #listPart(body: Uint8Array, last: boolean): void {
    this.#listBytes += body.length;
    if (this.#listBytes > this.#limits.maxListBytes) this.#exceeded = true;
    if (this.#exceeded) this.#list = new Writer(0);
    else this.#list.bytes(body);
    if (!last) return;
    this.#listsDue -= 1;
    const bytes = this.#list.done();
    this.#list = new Writer(0);
    this.#keep(bytes);
  }

  /** A list that does not parse is as good as none: it stays missing. */
  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#exceeded) return;
    try {
      this.lists.set(toHex(nodeCrypto.sha256(bytes)), { list: parseComponentList(bytes), bytes });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }
}
