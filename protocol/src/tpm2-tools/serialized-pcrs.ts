import { ProtocolError } from '../error.ts';
import { HASHES, hashName } from '../tpm/constants.ts';
import type { BankSelection, PcrSelection, PcrValues } from '../tpm/pcr.ts';
import { type Filling, put, slotsOf } from './pcr-slots.ts';

/** TPML_PCR_SELECTION as a C structure: u32 count, 16 of {u16 hash, u8 sizeofSelect, 4 bytes, 1 byte of padding}; little-endian. */
const MAX_BANKS = 16;
const BANK_BYTES = 8;
const SELECTION_BYTES = 4 + MAX_BANKS * BANK_BYTES;
const BITMAP_BYTES = 3;
/** TPML_DIGEST likewise: u32 count, 8 of {u16 size, 64 bytes}. */
const LIST_DIGESTS = 8;
const DIGEST_BYTES = 66;
const LIST_BYTES = 4 + LIST_DIGESTS * DIGEST_BYTES;
const HEADER_BYTES = SELECTION_BYTES + 4;

/**
 * PCR values in tpm2-tools' `serialized` form: selection, u32 number of lists, lists of up to 8 values in the order of the selection.
 * @returns 136 bytes and 532 for every 8 PCRs
 * @throws ProtocolError `pcr.value-missing`, `pcr.value-length`
 */
export function writePcrFile(selection: PcrSelection, values: PcrValues): Uint8Array {
  const slots = slotsOf(selection);
  const lists = Math.ceil(slots.length / LIST_DIGESTS);
  const bytes = new Uint8Array(HEADER_BYTES + lists * LIST_BYTES);
  const view = new DataView(bytes.buffer);
  writeSelection(view, selection);
  view.setUint32(SELECTION_BYTES, lists, true);
  slots.forEach(({ bank, pcr }, i) => {
    const value = values[bank]?.get(pcr);
    if (value === undefined) throw new ProtocolError('pcr.value-missing');
    if (value.length !== HASHES[bank].size) throw new ProtocolError('pcr.value-length');
    const list = HEADER_BYTES + Math.floor(i / LIST_DIGESTS) * LIST_BYTES;
    const at = list + 4 + (i % LIST_DIGESTS) * DIGEST_BYTES;
    view.setUint32(list, (i % LIST_DIGESTS) + 1, true);
    view.setUint16(at, value.length, true);
    bytes.set(value, at + 2);
  });
  return bytes;
}

function writeSelection(view: DataView, selection: PcrSelection): void {
  if (selection.length > MAX_BANKS) throw new RangeError('more than 16 banks');
  view.setUint32(0, selection.length, true);
  selection.forEach(({ bank, pcrs }, i) => {
    const at = 4 + i * BANK_BYTES;
    view.setUint16(at, HASHES[bank].algorithm, true);
    view.setUint8(at + 2, BITMAP_BYTES);
    for (const pcr of pcrs) {
      if (!Number.isInteger(pcr) || pcr < 0 || pcr >= BITMAP_BYTES * 8) throw new RangeError('PCR outside 0..23');
      const byte = at + 3 + (pcr >> 3);
      view.setUint8(byte, view.getUint8(byte) | (1 << (pcr & 7)));
    }
  });
}

/** Whether the length is that of the form, and the count of lists says so too. */
export function isSerialized(bytes: Uint8Array): boolean {
  const lists = (bytes.length - HEADER_BYTES) / LIST_BYTES;
  if (!Number.isInteger(lists) || lists < 1) return false;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(SELECTION_BYTES, true) === lists;
}

/**
 * @returns the selection and the values, copied out of `bytes`
 * @throws ProtocolError `file.pcrs`, `file.pcrs-padding`, with the offset
 */
export function readSerialized(bytes: Uint8Array): { readonly selection: PcrSelection; readonly values: PcrValues } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const selection = readSelection(view);
  const slots = slotsOf(selection);
  const values: Filling = {};
  let next = 0;
  for (let list = HEADER_BYTES; list < bytes.length; list += LIST_BYTES) {
    const count = view.getUint32(list, true);
    if (count < 1 || count > LIST_DIGESTS) throw new ProtocolError('file.pcrs', list);
    const unused = list + 4 + count * DIGEST_BYTES;
    for (let at = list + 4; at < unused; at += DIGEST_BYTES) {
      const slot = slots[next++];
      if (slot === undefined || view.getUint16(at, true) !== slot.size) throw new ProtocolError('file.pcrs', at);
      put(values, slot, Uint8Array.from(bytes.subarray(at + 2, at + 2 + slot.size)), at);
      demandZero(bytes, at + 2 + slot.size, at + DIGEST_BYTES);
    }
    demandZero(bytes, unused, list + LIST_BYTES);
  }
  if (next !== slots.length) throw new ProtocolError('file.pcrs', bytes.length);
  return { selection, values };
}

function readSelection(view: DataView): PcrSelection {
  const count = view.getUint32(0, true);
  if (count > MAX_BANKS) throw new ProtocolError('file.pcrs', 0);
  const selection: BankSelection[] = [];
  for (let i = 0; i < count; i++) {
    const at = 4 + i * BANK_BYTES;
    const bank = hashName(view.getUint16(at, true));
    if (bank === undefined || view.getUint8(at + 2) !== BITMAP_BYTES) throw new ProtocolError('file.pcrs', at);
    const pcrs: number[] = [];
    for (let pcr = 0; pcr < BITMAP_BYTES * 8; pcr++) {
      if ((view.getUint8(at + 3 + (pcr >> 3)) & (1 << (pcr & 7))) !== 0) pcrs.push(pcr);
    }
    if (view.getUint16(at + 6, true) !== 0) throw new ProtocolError('file.pcrs-padding', at + 6);
    selection.push({ bank, pcrs });
  }
  demandZero(new Uint8Array(view.buffer, view.byteOffset), 4 + count * BANK_BYTES, SELECTION_BYTES);
  return selection;
}

function demandZero(bytes: Uint8Array, from: number, to: number): void {
  const at = bytes.subarray(from, to).findIndex((byte) => byte !== 0);
  if (at >= 0) throw new ProtocolError('file.pcrs-padding', from + at);
}
