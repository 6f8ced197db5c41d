import { ProtocolError } from '../error.ts';
import type { HashName } from '../tpm/constants.ts';
import type { Hashes } from '../tpm/name.ts';
import type { PcrValues } from '../tpm/pcr.ts';
import { digestBytes, type ImaEntry, isViolation, MAX_ENTRIES } from './entry.ts';
import { templateDigest } from './template-digest.ts';

/**
 * What a kernel extends into a bank other than SHA-1. `per-bank`: the template digest in the bank's own hash (Linux 5.8 and later).
 * `padded`: the SHA-1 template digest and zeros, which has the strength of SHA-1 only. Told by whoever knows the kernel, never tried out.
 */
export type ImaRule = 'per-bank' | 'padded';

/** A point of a list: how many entries, and the values they lead to. PCRs that no entry extended are absent. */
export interface ImaState {
  readonly entries: number;
  readonly pcrs: PcrValues;
}

/** What the digest that an entry shows is: that of its data; zeros, a violation; another one, which no honest kernel writes. */
export type ImaFinding = 'consistent' | 'violation' | 'mismatch';

export interface ImaReplayQuestion {
  /** banks to replay */
  readonly banks: readonly HashName[];
  readonly rule: ImaRule;
  /** bank whose digests the list shows */
  readonly shown: HashName;
  /** state to go on from; a bank that it lacks starts at the reset values */
  readonly from?: ImaState;
}

interface Bank {
  readonly name: HashName;
  readonly size: number;
  /** hash of the template digest that it is extended with */
  readonly hash: HashName;
  /** old value and digest side by side, the input of every extend */
  readonly input: Uint8Array;
  /** values of the PCRs extended, by index */
  readonly values: (Uint8Array | undefined)[];
}

/** Replays an IMA list entry by entry, from its beginning or from a stored state; its own memory does not grow with the list. */
export class ImaReplay {
  readonly #hashes: Hashes;
  /** hash of the digests that the list shows */
  readonly #shown: HashName;
  readonly #banks: readonly Bank[];
  #entries: number;

  constructor(hashes: Hashes, { banks, rule, shown, from }: ImaReplayQuestion) {
    this.#hashes = hashes;
    const hashOf = (bank: HashName): HashName => (rule === 'padded' ? 'sha1' : bank);
    this.#shown = hashOf(shown);
    this.#entries = from?.entries ?? 0;
    this.#banks = [...new Set(banks)].map((name) => {
      const size = digestBytes(name);
      const values: (Uint8Array | undefined)[] = Array.from({ length: 24 }, (_, pcr) => from?.pcrs[name]?.get(pcr));
      if (values.some((value) => value !== undefined && value.length !== size))
        throw new RangeError('a value of another bank');
      return { name, size, hash: hashOf(name), input: new Uint8Array(2 * size), values };
    });
  }

  get entries(): number {
    return this.#entries;
  }

  /**
   * Extends what the entry's data hash to; a violation extends 0xff in every byte. The digest that the entry shows is compared, never
   * extended.
   *
   * @throws ProtocolError `ima.limit` for more than a million entries (F-29)
   * @see Linux, security/integrity/ima/ima_queue.c
   */
  extend(entry: ImaEntry): ImaFinding {
    if (this.#entries >= MAX_ENTRIES) throw new ProtocolError('ima.limit', entry.offset);
    this.#entries += 1;
    if (isViolation(entry)) {
      for (const bank of this.#banks) {
        bank.input.fill(0xff, bank.size);
        this.#extend(bank, entry.pcr);
      }
      return 'violation';
    }
    const { template, data } = entry;
    const shown = templateDigest(template, data, this.#hashes[this.#shown]);
    for (const bank of this.#banks) {
      const digest = bank.hash === this.#shown ? shown : templateDigest(template, data, this.#hashes[bank.hash]);
      bank.input.set(digest, bank.size);
      if (digest.length < bank.size) bank.input.fill(0, bank.size + digest.length);
      this.#extend(bank, entry.pcr);
    }
    return isPadded(entry.digest, shown) ? 'consistent' : 'mismatch';
  }

  /** A copy of the values so far. */
  state(): ImaState {
    const pcrs: Partial<Record<HashName, ReadonlyMap<number, Uint8Array>>> = {};
    for (const { name, values } of this.#banks) {
      const known = new Map<number, Uint8Array>();
      values.forEach((value, pcr) => {
        if (value !== undefined) known.set(pcr, value.slice());
      });
      pcrs[name] = known;
    }
    return { entries: this.#entries, pcrs };
  }

  #extend({ name, size, input, values }: Bank, pcr: number): void {
    const value = values[pcr];
    if (value === undefined) input.fill(resetByte(pcr), 0, size);
    else input.set(value);
    values[pcr] = this.#hashes[name](input);
  }
}

/** PCR 17 to 22 are all ones after a reset, the others zeros (TPM 2.0 PC Client profile). */
function resetByte(pcr: number): number {
  return pcr >= 17 && pcr <= 22 ? 0xff : 0;
}

/** The value of a PCR that no entry extends. @returns as many bytes as the bank's digest has */
export function resetValue(bank: HashName, pcr: number): Uint8Array {
  return new Uint8Array(digestBytes(bank)).fill(resetByte(pcr));
}

/** Equal, what is left of `shown` being zeros. */
function isPadded(shown: Uint8Array, digest: Uint8Array): boolean {
  if (shown.length < digest.length) return false;
  for (let i = 0; i < shown.length; i++) if (shown[i] !== (digest[i] ?? 0)) return false;
  return true;
}
