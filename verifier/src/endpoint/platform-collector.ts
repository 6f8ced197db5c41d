import { IMA_PCR, type Message, PCR_BYTES, ProtocolError, resetPcrs } from '@mtm-attest/protocol';
import { type FirmwareFacts, FirmwareFold } from '../appraisal/firmware-facts.ts';
import { ImaFold } from '../appraisal/ima-facts.ts';
import type { AcceptedState, AppraisedList, ImaAllowed, ModelReference, ReleaseReference } from '../appraisal/input.ts';
import type { LogStart } from '../appraisal/log-facts.ts';
import type { OpenChallenge } from '../challenge/open-challenge.ts';

export interface PlatformQuestion {
  readonly challenge: OpenChallenge;
  readonly message: Message<'evidence'>;
  /** accepted state that the log goes on from; undefined for a whole log */
  readonly start: AcceptedState | undefined;
  readonly previous: AcceptedState | undefined;
  readonly reference: ModelReference | undefined;
  /** bytes of firmware log and IMA list together */
  readonly maxBytes: number;
}

interface List {
  readonly fold: ImaFold;
  readonly releases: readonly Pick<ReleaseReference, 'release' | 'digest'>[];
}

const NO_REFERENCE = new Uint8Array(32);
const NOTHING_ALLOWED: ImaAllowed = {
  id: '',
  rule: 'per-bank',
  files: new Map(),
  keys: [],
  excludes: [],
  violations: false,
};

/** The platform's logs while their parts come in: folded at once, nothing of them is kept but what appraisal needs (F-29). */
export class PlatformCollector {
  readonly #question: PlatformQuestion;
  #firmware: FirmwareFold | undefined;
  #facts: FirmwareFacts | undefined;
  #lists: readonly List[] | undefined;
  #appraised: ReadonlyMap<number, AppraisedList> | undefined;
  #isListDue: boolean;
  #bytes = 0;
  #listBytes = 0;
  #exceeded = false;

  /** @throws ProtocolError `session.unexpected-message` for logs or values that the challenge did not ask for */
  constructor(question: PlatformQuestion) {
    this.#question = question;
    const { challenge, message } = question;
    const isFirmware = message.firmware === true;
    this.#isListDue = message.ima === true;
    const isAsked = challenge.firmware === true || challenge.ima !== undefined;
    if (isFirmware && challenge.firmware !== true) throw unexpected();
    if (this.#isListDue && challenge.ima === undefined) throw unexpected();
    if (message.pcrs !== undefined && !isAsked) throw unexpected();
    if (this.isDue(isFirmware) && message.log.length > 0) throw unexpected();
    if (isFirmware) this.#firmware = new FirmwareFold();
    else this.#beginLists();
  }

  /** Whether parts are still to come. */
  isDue(isFirmwareDue: boolean = this.#firmware !== undefined): boolean {
    return isFirmwareDue || this.#isListDue;
  }

  get exceeded(): boolean {
    return this.#exceeded;
  }

  /** Where our own log begins; undefined where no firmware log came. @returns 768 bytes */
  get base(): Uint8Array | undefined {
    return this.#facts?.pcrs;
  }

  get firmware(): FirmwareFacts | undefined {
    return this.#facts;
  }

  /**
   * The list as each release that has Reference Values for it reads it; undefined where none was asked for or sent. Asked for only once
   * nothing more is due.
   */
  get ima(): ReadonlyMap<number, AppraisedList> | undefined {
    const lists = this.#lists;
    if (lists === undefined) return undefined;
    this.#appraised ??= new Map(
      lists.flatMap(({ fold, releases }) => {
        const facts = fold.end(this.#listBytes === 0);
        return releases.map(({ release, digest }) => [release, { referenceDigest: digest, facts }] as const);
      }),
    );
    return this.#appraised;
  }

  /** @throws ProtocolError `session.unexpected-message` for a part that nothing announced, or out of its order */
  part(kind: 'firmware' | 'ima', body: Uint8Array, isLast: boolean): void {
    const isFirmware = kind === 'firmware';
    if (isFirmware ? this.#firmware === undefined : this.#firmware !== undefined || !this.#isListDue)
      throw unexpected();
    this.#bytes += body.length;
    if (this.#bytes > this.#question.maxBytes) this.#exceeded = true;
    if (isFirmware) this.#firmwarePart(body, isLast);
    else this.#listPart(body, isLast);
  }

  #firmwarePart(body: Uint8Array, isLast: boolean): void {
    const fold = this.#firmware;
    if (fold === undefined) return;
    if (!this.#exceeded) fold.feed(body);
    if (fold.exceeded) this.#exceeded = true;
    if (!isLast) return;
    this.#facts = fold.end();
    this.#firmware = undefined;
    this.#beginLists();
  }

  #listPart(body: Uint8Array, isLast: boolean): void {
    this.#listBytes += body.length;
    if (!this.#exceeded) for (const { fold } of this.#lists ?? []) fold.feed(body);
    if (isLast) this.#isListDue = false;
  }

  /** Behind a cursor a list without parts has nothing new; a whole list without parts is none. */
  #beginLists(): void {
    const { challenge, start, previous } = this.#question;
    if (challenge.ima === undefined || (start === undefined && !this.#isListDue)) return;
    const from = { count: start?.imaCount ?? 0, pcrs: start?.pcrs ?? this.base ?? resetPcrs() };
    const prefixAt = start === undefined ? previous?.imaCount : undefined;
    const quoted = this.#quoted();
    this.#lists = this.#readings().map(({ allowed, releases }) => ({
      fold: new ImaFold({ allowed, start: from, quoted, prefixAt }),
      releases,
    }));
  }

  /** Each different way in which the releases in question read a list; where the accepted one is listed no more, one that allows nothing. */
  #readings(): readonly { readonly allowed: ImaAllowed; readonly releases: List['releases'] }[] {
    const { start, reference } = this.#question;
    const all = [...(reference?.releases.values() ?? [])];
    const releases = start === undefined ? all : all.filter(({ release }) => release === start.release);
    if (start !== undefined && releases.length === 0) {
      return [{ allowed: NOTHING_ALLOWED, releases: [{ release: start.release, digest: NO_REFERENCE }] }];
    }
    const byValues = new Map<string, { readonly allowed: ImaAllowed; readonly releases: ReleaseReference[] }>();
    for (const release of releases) {
      const allowed = release.platform?.ima;
      if (allowed === undefined) continue;
      const same = byValues.get(allowed.id);
      if (same === undefined) byValues.set(allowed.id, { allowed, releases: [release] });
      else same.releases.push(release);
    }
    return [...byValues.values()];
  }

  #quoted(): Uint8Array {
    const { challenge, message } = this.#question;
    const at = challenge.selectedPcrs.indexOf(IMA_PCR) * PCR_BYTES;
    return at < 0 ? new Uint8Array() : (message.pcrs?.slice(at, at + PCR_BYTES) ?? new Uint8Array());
  }
}

/** Where our own log begins: behind a cursor at the accepted state, else where the firmware's ends. */
export function logStart(start: AcceptedState | undefined, base: Uint8Array | undefined): LogStart | undefined {
  if (start !== undefined) return { count: start.count, pcrs: start.pcrs };
  return base === undefined ? undefined : { count: 0, pcrs: base };
}

function unexpected(): ProtocolError {
  return new ProtocolError('session.unexpected-message');
}
