import { Cursor } from '../bytes/cursor.ts';
import { Writer } from '../bytes/writer.ts';
import type { HashFunction } from '../crypto/hash.ts';
import { ProtocolError } from '../error.ts';
import { HASHES, type HashName, hashName } from './constants.ts';

/** The PCRs asked for in one bank, ascending. */
export interface BankSelection {
  readonly bank: HashName;
  readonly pcrs: readonly number[];
}

/** TPML_PCR_SELECTION: the order of the banks counts (Part 2, 10.9.7). */
export type PcrSelection = readonly BankSelection[];

const SELECT_BYTES = 3;
const MAX_SELECT_BYTES = 4;
const MAX_BANKS = 16;
const PCRS = SELECT_BYTES * 8;

/** @throws ProtocolError `tpm.truncated`, `tpm.value` (an unknown bank, too many banks, a bitmap longer than 4 bytes), with the offset */
export function readPcrSelection(cursor: Cursor): PcrSelection {
  const at = cursor.offset;
  const count = cursor.u32();
  if (count > MAX_BANKS) throw new ProtocolError('tpm.value', at);
  const banks: BankSelection[] = [];
  for (let i = 0; i < count; i++) banks.push(readBank(cursor));
  return banks;
}

function readBank(cursor: Cursor): BankSelection {
  const at = cursor.offset;
  const bank = hashName(cursor.u16());
  const size = cursor.u8();
  if (bank === undefined || size > MAX_SELECT_BYTES) throw new ProtocolError('tpm.value', at);
  const bitmap = cursor.bytes(size);
  const pcrs: number[] = [];
  bitmap.forEach((byte, i) => {
    for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) pcrs.push(8 * i + bit);
  });
  return { bank, pcrs };
}

/** The bytes of exactly one TPML_PCR_SELECTION. @throws as readPcrSelection, and `tpm.trailing-bytes` */
export function parsePcrSelection(bytes: Uint8Array): PcrSelection {
  const cursor = new Cursor(bytes);
  const selection = readPcrSelection(cursor);
  cursor.end();
  return selection;
}

/** TPML_PCR_SELECTION with the usual three bitmap bytes. */
export function writePcrSelection(selection: PcrSelection): Uint8Array {
  const writer = new Writer(64).u32(selection.length);
  for (const { bank, pcrs } of selection) {
    const bitmap = new Uint8Array(SELECT_BYTES);
    for (const pcr of pcrs) {
      if (!Number.isInteger(pcr) || pcr < 0 || pcr >= PCRS) throw new RangeError('PCR outside 0..23');
      bitmap[pcr >> 3] = (bitmap[pcr >> 3] ?? 0) | (1 << (pcr & 7));
    }
    writer.u16(HASHES[bank].algorithm).u8(SELECT_BYTES).bytes(bitmap);
  }
  return writer.done();
}

/**
 * A selection as operators write it: `sha256:0,1,7+sha1:0`. Within a bank PCRs are a set.
 * @throws ProtocolError `tpm.selection-text`
 */
export function parseSelectionText(text: string): PcrSelection {
  return text.split('+').map((part) => {
    const [name, list, ...rest] = part.split(':');
    const bank = (Object.keys(HASHES) as HashName[]).find((one) => one === name);
    if (bank === undefined || list === undefined || rest.length > 0) throw new ProtocolError('tpm.selection-text');
    const pcrs = list === 'all' ? Array.from({ length: PCRS }, (_, i) => i) : list.split(',').map(pcrNumber);
    return { bank, pcrs: [...new Set(pcrs)].sort((a, b) => a - b) };
  });
}

function pcrNumber(text: string): number {
  const number = /^\d{1,2}$/.test(text) ? Number(text) : PCRS;
  if (number >= PCRS) throw new ProtocolError('tpm.selection-text');
  return number;
}

export function selectionText(selection: PcrSelection): string {
  return selection.map(({ bank, pcrs }) => `${bank}:${pcrs.join(',')}`).join('+');
}

/** PCR values by bank and index, each as long as its bank's digest. */
export type PcrValues = Readonly<Partial<Record<HashName, ReadonlyMap<number, Uint8Array>>>>;

/**
 * The digest a TPM signs for a PCR selection: the hash over the raw values, banks in the order of the selection, indices ascending.
 * The hash is the signing scheme's, not the bank's (a SHA-1 bank can stand under a SHA-256 quote).
 *
 * @param selection the one asked for; never the one found in the quote (F-15)
 * @throws ProtocolError `pcr.value-missing`, `pcr.value-length`
 * @see TPM 2.0 Library, Part 2, 10.12.1 TPMS_QUOTE_INFO; SPEC.md 5.3
 */
export function pcrDigest(selection: PcrSelection, values: PcrValues, hash: HashFunction): Uint8Array {
  const writer = new Writer(1024);
  for (const { bank, pcrs } of selection) {
    for (const pcr of pcrs) {
      const value = values[bank]?.get(pcr);
      if (value === undefined) throw new ProtocolError('pcr.value-missing');
      if (value.length !== HASHES[bank].size) throw new ProtocolError('pcr.value-length');
      writer.bytes(value);
    }
  }
  return hash(writer.done());
}
