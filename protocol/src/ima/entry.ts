import { ProtocolError } from '../error.ts';
import { HASHES, type HashName } from '../tpm/constants.ts';

/** One entry of an IMA measurement list. */
export interface ImaEntry {
  /** position in the list, from 0 */
  readonly index: number;
  /** offset of its first byte in the list */
  readonly offset: number;
  /** 0..23 */
  readonly pcr: number;
  /** template digest that the list shows; all zero for a violation. A view until the visitor returns */
  readonly digest: Uint8Array;
  /** name of the template, or its format */
  readonly template: string;
  /**
   * Template data as the kernel hashes it: each field behind its length (u32, little-endian). Template `ima`: digest and name, no lengths.
   * A view until the visitor returns.
   */
  readonly data: Uint8Array;
}

export type ImaVisitor = (entry: ImaEntry) => void;

/** Where in a list a piece of it begins. */
export interface ImaPosition {
  /** bytes before it */
  readonly offset: number;
  /** entries before it */
  readonly index: number;
}

/** Whole entries that a reader found in a piece. */
export interface ImaRead {
  readonly bytes: number;
  readonly entries: number;
}

/** Largest template data of one entry, in bytes (F-29). */
export const MAX_DATA_BYTES = 1_048_576;
/** Longest name in the template `ima`, in bytes. */
export const MAX_IMA_NAME_BYTES = 255;
/** Most entries of one boot (F-29). */
export const MAX_ENTRIES = 1_000_000;
export const LIST_START: ImaPosition = { offset: 0, index: 0 };
const LAST_PCR = 23;

/** A violation has a template digest of zeros, whatever its fields say. */
export function isViolation({ digest }: ImaEntry): boolean {
  for (let i = 0; i < digest.length; i++) if (digest[i] !== 0) return false;
  return true;
}

/** @throws ProtocolError `ima.pcr` */
export function checkPcr(pcr: number, offset: number): number {
  if (pcr > LAST_PCR) throw new ProtocolError('ima.pcr', offset);
  return pcr;
}

/** The two forms that the kernel offers; the digests that they show are as long as those of one bank. */
export interface ImaForm {
  readonly form: 'ascii' | 'binary';
  readonly shown: HashName;
}

/** Banks in the order of their digests' lengths. */
export const SHOWN_BANKS: readonly HashName[] = ['sha1', 'sha256', 'sha384', 'sha512'];

export function digestBytes(bank: HashName): number {
  return HASHES[bank].size;
}
