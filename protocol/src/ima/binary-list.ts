import { ProtocolError } from '../error.ts';
import type { HashName } from '../tpm/constants.ts';
import {
  checkPcr,
  digestBytes,
  type ImaPosition,
  type ImaRead,
  type ImaVisitor,
  LIST_START,
  MAX_DATA_BYTES,
  MAX_IMA_NAME_BYTES,
} from './entry.ts';
import { IMA_TEMPLATE, type ImaFieldId, MAX_TEMPLATE_NAME_BYTES, templateFields } from './template.ts';

const U32 = 4;
const IMA_DIGEST_BYTES = 20;

/** A template's name as it stands in the list, and what follows from it. */
interface Named {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly fields: readonly ImaFieldId[] | undefined;
}

/**
 * Reads whole entries of a list in the binary form (`binary_runtime_measurements`), little-endian, one after the other. What is left behind
 * the last whole entry is not read.
 *
 * @param shown bank whose digests the list shows: SHA-1 but for the files of one bank
 * @param start what of the list came before `bytes`
 * @throws ProtocolError `ima.malformed`, `ima.pcr`, `ima.limit` with the offset from the start of the list
 * @see Linux, security/integrity/ima/ima_fs.c
 */
export function readImaBinary(
  bytes: Uint8Array,
  shown: HashName,
  visit: ImaVisitor,
  start: ImaPosition = LIST_START,
): ImaRead {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const digestSize = digestBytes(shown);
  const headSize = 2 * U32 + digestSize;
  const base = start.offset;
  let named: Named | undefined;
  let at = 0;
  let index = start.index;
  while (bytes.length - at >= headSize) {
    const pcr = checkPcr(view.getUint32(at, true), base + at);
    const nameLengthAt = at + U32 + digestSize;
    const nameLength = view.getUint32(nameLengthAt, true);
    if (nameLength === 0 || nameLength > MAX_TEMPLATE_NAME_BYTES)
      throw new ProtocolError('ima.malformed', base + nameLengthAt);
    const nameAt = nameLengthAt + U32;
    const lengthAt = nameAt + nameLength;
    if (lengthAt > bytes.length) break;
    if (named === undefined || !standsAt(bytes, nameAt, nameLength, named.bytes)) {
      named = nameOf(bytes.slice(nameAt, lengthAt), base + nameAt);
    }
    const bare = named.name === IMA_TEMPLATE;
    const end = bare ? endOfIma(bytes, view, lengthAt, base) : endOfData(bytes, view, lengthAt, base);
    if (end === undefined) break;
    const dataAt = lengthAt + (bare ? 0 : U32);
    if (!bare && named.fields !== undefined) checkFields(view, dataAt, end, named.fields.length, base);
    visit({
      index,
      offset: base + at,
      pcr,
      digest: bytes.subarray(at + U32, nameLengthAt),
      template: named.name,
      data: bare ? withoutLength(bytes, dataAt, end) : bytes.subarray(dataAt, end),
    });
    index += 1;
    at = end;
  }
  return { bytes: at, entries: index - start.index };
}

function standsAt(bytes: Uint8Array, at: number, length: number, wanted: Uint8Array): boolean {
  if (length !== wanted.length) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

function nameOf(bytes: Uint8Array, offset: number): Named {
  if (bytes.some((byte) => byte <= 0x20 || byte >= 0x7f)) throw new ProtocolError('ima.malformed', offset);
  const name = String.fromCharCode(...bytes);
  return { bytes, name, fields: templateFields(name) };
}

/** @returns undefined where the entry is cut off */
function endOfData(bytes: Uint8Array, view: DataView, at: number, base: number): number | undefined {
  if (at + U32 > bytes.length) return undefined;
  const length = view.getUint32(at, true);
  if (length > MAX_DATA_BYTES) throw new ProtocolError('ima.limit', base + at);
  return whole(bytes, at + U32 + length);
}

/** Digest of 20 bytes, then the length of the name and the name. */
function endOfIma(bytes: Uint8Array, view: DataView, at: number, base: number): number | undefined {
  const lengthAt = at + IMA_DIGEST_BYTES;
  if (lengthAt + U32 > bytes.length) return undefined;
  const length = view.getUint32(lengthAt, true);
  if (length > MAX_IMA_NAME_BYTES) throw new ProtocolError('ima.malformed', base + lengthAt);
  return whole(bytes, lengthAt + U32 + length);
}

function whole(bytes: Uint8Array, end: number): number | undefined {
  return end <= bytes.length ? end : undefined;
}

function withoutLength(bytes: Uint8Array, at: number, end: number): Uint8Array {
  const data = new Uint8Array(end - at - U32);
  data.set(bytes.subarray(at, at + IMA_DIGEST_BYTES));
  data.set(bytes.subarray(at + IMA_DIGEST_BYTES + U32, end), IMA_DIGEST_BYTES);
  return data;
}

/** A known template has exactly its fields. */
function checkFields(view: DataView, start: number, end: number, count: number, base: number): void {
  let at = start;
  for (let i = 0; i < count; i++) {
    if (end - at < U32) throw new ProtocolError('ima.malformed', base + at);
    const length = view.getUint32(at, true);
    if (length > end - at - U32) throw new ProtocolError('ima.malformed', base + at);
    at += U32 + length;
  }
  if (at !== end) throw new ProtocolError('ima.malformed', base + at);
}
