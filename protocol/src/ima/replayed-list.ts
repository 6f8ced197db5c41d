import { ProtocolError } from '../error.ts';
import type { HashName } from '../tpm/constants.ts';
import type { Hashes } from '../tpm/name.ts';
import { readImaAscii } from './ascii-list.ts';
import { readImaBinary } from './binary-list.ts';
import { detectImaForm } from './detect.ts';
import type { ImaEntry, ImaForm, ImaPosition } from './entry.ts';
import { type ImaFinding, ImaReplay, type ImaRule, type ImaState } from './replay.ts';

/** How a list is to be replayed. */
export interface ImaListQuestion {
  readonly banks: readonly HashName[];
  readonly rule: ImaRule;
  /** state to go on from: the list begins behind its entries */
  readonly from?: ImaState;
}

/** What a list, or the part of it after a stored state, leads to. */
export interface ReplayedImaList extends ImaForm {
  /** goes on from here */
  readonly state: ImaState;
  /** entries of this list */
  readonly entries: number;
}

/** Hears of every entry after it was replayed; byte strings are views. */
export type ImaListVisitor = (entry: ImaEntry, finding: ImaFinding) => void;

/** What detectImaForm needs. */
const DETECTION_BYTES = 256;

/** Replays an IMA list from pieces of any length, with memory for one piece and one entry. */
export class ImaListFold {
  readonly #hashes: Hashes;
  readonly #question: ImaListQuestion;
  readonly #visit: ImaListVisitor | undefined;
  #form: ImaForm | undefined;
  #replay: ImaReplay | undefined;
  #position: ImaPosition;
  /** bytes that came and belong to no whole entry yet */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  /** how many of them are worth a reading: with twice as many as before, each byte is read a fixed number of times */
  #enough = DETECTION_BYTES;

  constructor(hashes: Hashes, question: ImaListQuestion, visit?: ImaListVisitor) {
    this.#hashes = hashes;
    this.#question = question;
    this.#visit = visit;
    this.#position = { offset: 0, index: question.from?.entries ?? 0 };
  }

  /** The point that was replayed to, for a visitor too. */
  state(): ImaState {
    return this.#replay?.state() ?? this.#question.from ?? { entries: 0, pcrs: {} };
  }

  /** @throws ProtocolError `ima.*` with the offset in the list; entries before it have been visited. Feed no further then. */
  feed(piece: Uint8Array): void {
    this.#pendingBytes += piece.length;
    if (this.#pendingBytes < this.#enough) {
      this.#pending.push(piece.slice());
      return;
    }
    const rest = this.#read(joined([...this.#pending, piece], this.#pendingBytes));
    this.#pending = [rest.slice()];
    this.#pendingBytes = rest.length;
    this.#enough = Math.max(DETECTION_BYTES, 2 * rest.length);
  }

  /** The end of the list. @throws ProtocolError `ima.truncated`, and what feed throws */
  end(): ReplayedImaList {
    const rest = this.#read(joined(this.#pending, this.#pendingBytes));
    const { offset, index } = this.#position;
    const [form, replay] = [this.#form, this.#replay];
    if (form === undefined || replay === undefined || rest.length > 0) throw new ProtocolError('ima.truncated', offset);
    return { ...form, state: replay.state(), entries: index - (this.#question.from?.entries ?? 0) };
  }

  /** @returns what is left behind the whole entries, a view */
  #read(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return bytes;
    this.#form ??= detectImaForm(bytes);
    const { form, shown } = this.#form;
    this.#replay ??= new ImaReplay(this.#hashes, { ...this.#question, shown });
    const replay = this.#replay;
    const take = (entry: ImaEntry): void => {
      const finding = replay.extend(entry);
      this.#visit?.(entry, finding);
    };
    const read = (form === 'ascii' ? readImaAscii : readImaBinary)(bytes, shown, take, this.#position);
    const { offset, index } = this.#position;
    this.#position = { offset: offset + read.bytes, index: index + read.entries };
    return bytes.subarray(read.bytes);
  }
}

/**
 * Replays an IMA measurement list that is there as a whole, in either form.
 *
 * @param bytes the list, or what came after `from`
 * @param hashes for instance nobleCrypto or nodeCrypto
 * @throws ProtocolError `ima.*` with the offset; an empty list is `ima.truncated`
 * @see Linux, Documentation/security/IMA-templates.rst
 */
export function replayImaList(
  bytes: Uint8Array,
  hashes: Hashes,
  question: ImaListQuestion,
  visit?: ImaListVisitor,
): ReplayedImaList {
  const fold = new ImaListFold(hashes, question, visit);
  fold.feed(bytes);
  return fold.end();
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
