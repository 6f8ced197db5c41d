import {
  type BootIdentity,
  decodeEvent,
  type HashFunction,
  type LogEvent,
  LogReplay,
  ProtocolError,
  toHex,
} from '@mtm-attest/protocol';
import type { Finding } from './finding.ts';

/** A measured file as the log tells it. */
export interface MeasuredComponent {
  readonly event: number;
  readonly pcr: number;
  readonly name: string;
  readonly digest: Uint8Array;
}

/** What appraisal needs to know of a log or of the slice after a cursor; its size does not depend on the number of events. */
export interface LogFacts {
  /** 0 where this is the whole log */
  readonly from: number;
  readonly count: number;
  /** replayed values, 768 bytes */
  readonly pcrs: Uint8Array;
  /** replayed values at `prefixAt`, where that was asked for and reached */
  readonly prefixPcrs: Uint8Array | undefined;
  /** the boot identity that the last boot event names */
  readonly boot: BootIdentity | undefined;
  readonly release: number | undefined;
  readonly components: readonly MeasuredComponent[];
  readonly started: readonly MeasuredComponent[];
  readonly ready: boolean;
  readonly lastAudit:
    | { readonly event: number; readonly nonce: Uint8Array; readonly listDigest: Uint8Array }
    | undefined;
  /** every list that an audit event names, by hexadecimal digest, in order of first mention */
  readonly listDigests: ReadonlyMap<string, Uint8Array>;
  /** the first problems with single events, at most MAX_PROBLEMS */
  readonly problems: readonly Finding[];
  /** true where problems were so many that later records were replayed and not read */
  readonly unread: boolean;
  /** PCRs that these records extend */
  readonly extended: ReadonlySet<number>;
  /** set where the bytes are no records at all; nothing after them was read */
  readonly malformed: string | undefined;
}

export interface LogStart {
  readonly count: number;
  readonly pcrs: Uint8Array;
}

const MAX_PROBLEMS = 16;
const MAX_COMPONENTS = 8192;
const MAX_LISTS = 64;

/**
 * Folds a log, slice by slice, into what appraisal needs. Replaying and reading are separate: a record that is no known event still
 * extends its PCR, and becomes a finding (F-27).
 */
export class LogFold {
  readonly #replay: LogReplay;
  readonly #from: number;
  readonly #prefixAt: number | undefined;
  readonly #components: MeasuredComponent[] = [];
  readonly #started: MeasuredComponent[] = [];
  readonly #listDigests = new Map<string, Uint8Array>();
  readonly #problems: Finding[] = [];
  readonly #extended = new Set<number>();
  #prefixPcrs: Uint8Array | undefined;
  #boot: BootIdentity | undefined;
  #release: number | undefined;
  #ready: boolean;
  #lastAudit: LogFacts['lastAudit'];
  #malformed: string | undefined;
  #exceeded = false;
  #unread = false;

  /**
   * @param start stored state to go on from; undefined for a whole log
   * @param prefixAt count of an earlier state of the same boot whose PCR values are wanted
   */
  constructor(sha256: HashFunction, start: LogStart | undefined, prefixAt?: number) {
    this.#replay = new LogReplay(sha256, start);
    this.#from = start?.count ?? 0;
    this.#prefixAt = prefixAt;
    this.#ready = this.#from > 0;
    this.#notePrefix();
  }

  get count(): number {
    return this.#replay.count;
  }

  /** True where the log names more components or component lists than are kept: it cannot be appraised (F-29). */
  get exceeded(): boolean {
    return this.#exceeded;
  }

  get listDigests(): ReadonlyMap<string, Uint8Array> {
    return this.#listDigests;
  }

  /** @param slice whole records; kept by nobody afterwards */
  feed(slice: Uint8Array): void {
    if (this.#malformed !== undefined) return;
    try {
      this.#replay.feed(slice, (pcr, content, index) => {
        this.#event(pcr, content, index);
      });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#malformed = error.message;
    }
  }

  facts(): LogFacts {
    return {
      from: this.#from,
      count: this.#replay.count,
      pcrs: this.#replay.values(),
      prefixPcrs: this.#prefixPcrs,
      boot: this.#boot,
      release: this.#release,
      components: this.#components,
      started: this.#started,
      ready: this.#ready,
      lastAudit: this.#lastAudit,
      listDigests: this.#listDigests,
      problems: this.#problems,
      unread: this.#unread,
      extended: this.#extended,
      malformed: this.#malformed,
    };
  }

  #event(pcr: number, content: Uint8Array, index: number): void {
    this.#extended.add(pcr);
    if (this.#problems.length === MAX_PROBLEMS) {
      // The verdict is certain, and more of the same must not cost more than its replay (F-54).
      this.#unread = true;
      this.#notePrefix();
      return;
    }
    let event: LogEvent;
    try {
      event = decodeEvent(pcr, content);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#problem({ code: 'log.event', detail: `event ${index}: ${error.message}`, event: index });
      return;
    } finally {
      this.#notePrefix();
    }
    this.#known(event, pcr, index);
  }

  #known(event: LogEvent, pcr: number, index: number): void {
    if (index === 0 && event.type !== 'boot')
      this.#outOfOrder('the log does not begin with the identity of its boot', 0);
    switch (event.type) {
      case 'boot':
        this.#boot = { resetCount: event.resetCount, restartCount: event.restartCount };
        break;
      case 'release':
        if (this.#release !== undefined || this.#ready) this.#outOfOrder('a second release in one boot', index);
        this.#release = event.release;
        break;
      case 'component':
        if (this.#ready) this.#outOfOrder('a boot component after the end of the boot', index);
        this.#measured(this.#components, { event: index, pcr, name: event.name, digest: event.digest.slice() });
        break;
      case 'ready':
        if (this.#ready) this.#outOfOrder('a second end of the boot', index);
        this.#ready = true;
        break;
      case 'started':
        if (!this.#ready) this.#outOfOrder('a start before the end of the boot', index);
        this.#measured(this.#started, { event: index, pcr, name: event.name, digest: event.digest.slice() });
        break;
      case 'audit':
        this.#audit(event.nonce, event.listDigest, index);
    }
  }

  #audit(nonce: Uint8Array, listDigest: Uint8Array, index: number): void {
    this.#lastAudit = { event: index, nonce: nonce.slice(), listDigest: listDigest.slice() };
    const hex = toHex(listDigest);
    if (this.#listDigests.has(hex)) return;
    if (this.#listDigests.size === MAX_LISTS) this.#exceeded = true;
    else this.#listDigests.set(hex, listDigest.slice());
  }

  #measured(into: MeasuredComponent[], component: MeasuredComponent): void {
    if (into.length === MAX_COMPONENTS) this.#exceeded = true;
    else into.push(component);
  }

  #notePrefix(): void {
    if (this.#replay.count === this.#prefixAt) this.#prefixPcrs = this.#replay.values();
  }

  #outOfOrder(what: string, event: number): void {
    this.#problem({ code: 'log.order', detail: `event ${event}: ${what}`, event });
  }

  #problem(finding: Finding): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(finding);
  }
}
