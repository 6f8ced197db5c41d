import { utf8 } from '../bytes/text.ts';
import { Writer } from '../bytes/writer.ts';
import type { HashFunction } from '../crypto/hash.ts';
import { type RecordVisitor, readRecords } from './record.ts';

export const PCR_COUNT = 24;
/** One value of the SHA-256 bank, in bytes. */
export const PCR_BYTES = 32;

/** A point of a log: how many events, and the values they lead to. */
export interface ReplayState {
  readonly count: number;
  /** 24 values, 768 bytes */
  readonly pcrs: Uint8Array;
}

/** Reset values: PCR 17 to 22 all ones, the others zeros (TPM 2.0 PC Client profile). 768 bytes, a fresh copy. */
export function resetPcrs(): Uint8Array {
  return new Uint8Array(PCR_COUNT * PCR_BYTES).fill(0xff, 17 * PCR_BYTES, 23 * PCR_BYTES);
}

/** Replays a log or the part of it after a known state, slice by slice; its own memory does not grow with the log. */
export class LogReplay {
  readonly #sha256: HashFunction;
  /** values at the start; never written */
  readonly #start: Uint8Array;
  /** values of the PCRs extended since, by index */
  readonly #extended: (Uint8Array | undefined)[] = [];
  /** old value and digest side by side, the input of every extend */
  readonly #extend = new Uint8Array(2 * PCR_BYTES);
  #count: number;

  constructor(sha256: HashFunction, start?: ReplayState) {
    this.#sha256 = sha256;
    this.#start = start?.pcrs.slice() ?? resetPcrs();
    this.#count = start?.count ?? 0;
  }

  get count(): number {
    return this.#count;
  }

  /** A copy of the 24 values, 768 bytes. */
  values(): Uint8Array {
    const values = this.#start.slice();
    this.#extended.forEach((value, pcr) => {
      if (value !== undefined) values.set(value, pcr * PCR_BYTES);
    });
    return values;
  }

  /**
   * @param visit called after a record was replayed
   * @throws ProtocolError `log.malformed`, `log.truncated`; the records before the fault have been replayed
   */
  feed(slice: Uint8Array, visit?: RecordVisitor): void {
    readRecords(slice, this.#count, (pcr, content, index, end) => {
      this.extend(pcr, this.#sha256(content));
      this.#count += 1;
      visit?.(pcr, content, index, end);
    });
  }

  /** One extend: value := SHA-256(value || digest). */
  extend(pcr: number, digest: Uint8Array): void {
    const value = this.#extended[pcr] ?? this.#start.subarray(pcr * PCR_BYTES, (pcr + 1) * PCR_BYTES);
    this.#extend.set(value);
    this.#extend.set(digest, PCR_BYTES);
    this.#extended[pcr] = this.#sha256(this.#extend);
  }
}

const PREFIX_LABEL = utf8('mtm-attest/v1 prefix\0');

/**
 * Names a point of a log in a cursor: the first 16 bytes of SHA-256 over label, count and all 24 values. It commits to every digest extended,
 * per PCR in order; a terminal may compare it to notice that another log was accepted, the verifier compares the values themselves.
 */
export function prefixDigest(count: number, pcrs: Uint8Array, sha256: HashFunction): Uint8Array {
  return sha256(new Writer(1024).bytes(PREFIX_LABEL).u64(BigInt(count)).bytes(pcrs).done()).slice(0, 16);
}
