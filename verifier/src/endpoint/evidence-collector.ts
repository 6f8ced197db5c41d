import {
  type ComponentList,
  type Message,
  ProtocolError,
  parseComponentList,
  toHex,
  Writer,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import type { AcceptedState, ModelReference } from '../appraisal/input.ts';
import { LogFold } from '../appraisal/log-facts.ts';
import type { OpenChallenge } from '../challenge/open-challenge.ts';
import { logStart, PlatformCollector } from './platform-collector.ts';

export interface CollectorLimits {
  readonly maxEvents: number;
  /** bytes of all component lists of one answer */
  readonly maxListBytes: number;
  /** bytes of firmware log and IMA list together */
  readonly maxPlatformLogBytes: number;
}

/** Against what an answer is folded. */
export interface FoldedAgainst {
  readonly previous: AcceptedState | undefined;
  /** Reference Values of the model when the evidence came */
  readonly reference: ModelReference | undefined;
}

/** Evidence while its parts come in: the log is folded at once, only component lists are kept. */
export class EvidenceCollector {
  readonly challenge: OpenChallenge;
  readonly message: Message<'evidence'>;
  /** SHA-256 of the evidence message as received */
  readonly digest: Uint8Array;
  readonly platform: PlatformCollector;
  /** lists received, by hexadecimal digest */
  readonly lists: Map<string, { readonly list: ComponentList; readonly bytes: Uint8Array }> = new Map();
  readonly #limits: CollectorLimits;
  readonly #previous: AcceptedState | undefined;
  readonly #start: AcceptedState | undefined;
  #fold: LogFold | undefined;
  #logOpen: boolean;
  #listsDue: number;
  #list = new Writer(0);
  #listBytes = 0;
  #exceeded = false;

  /** @throws ProtocolError `session.unexpected-message` for what the challenge did not ask for */
  constructor(
    challenge: OpenChallenge,
    message: Message<'evidence'>,
    digest: Uint8Array,
    { previous, reference }: FoldedAgainst,
    limits: CollectorLimits,
  ) {
    this.challenge = challenge;
    this.message = message;
    this.digest = digest;
    this.#limits = limits;
    this.#previous = previous;
    this.#start = challenge.wholeLog ? undefined : previous;
    const maxBytes = limits.maxPlatformLogBytes;
    this.platform = new PlatformCollector({ challenge, message, start: this.#start, previous, reference, maxBytes });
    this.#logOpen = message.moreLog === true;
    this.#listsDue = message.lists ?? 0;
    if (!this.platform.isDue()) this.#log(message.log);
  }

  /** Our own log, folded from where the firmware's ended: asked for only once that has come. */
  get fold(): LogFold {
    const start = this.#start;
    const prefixAt = start === undefined ? this.#previous?.count : undefined;
    this.#fold ??= new LogFold(nodeCrypto.sha256, logStart(start, this.platform.base), prefixAt);
    return this.#fold;
  }

  get complete(): boolean {
    return !this.platform.isDue() && !this.#logOpen && this.#listsDue === 0;
  }

  /** True once a limit was passed; from then on nothing is kept. */
  get exceeded(): boolean {
    return this.#exceeded || this.platform.exceeded;
  }

  /** One more list was asked for. */
  expectList(): void {
    this.#listsDue += 1;
  }

  /** @throws ProtocolError `session.unexpected-message` for a part that nothing announced */
  part(part: Message<'part'>): void {
    if (part.kind === 'firmware' || part.kind === 'ima') {
      this.platform.part(part.kind, part.body, part.last === true);
      return;
    }
    if (this.platform.isDue()) throw new ProtocolError('session.unexpected-message');
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
    if (this.exceeded) return;
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
