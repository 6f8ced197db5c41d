import { Cursor } from '../bytes/cursor.ts';
import { integer } from '../bytes/integer.ts';
import { ProtocolError } from '../error.ts';
import {
  CEL_EVENT_TYPES,
  CEL_TRANSITIONS,
  type CelContent,
  type CelDigest,
  type CelEvent,
  type CelIndex,
  type CelVisitor,
  celContentType,
  celNvIndex,
  celPcr,
  checkDigests,
  MAX_CEL_CONTENT_BYTES,
} from './record.ts';

const HEAD_BYTES = 5;
const RECNUM = 0;
const PCR = 1;
const NV_INDEX = 2;
const DIGESTS = 3;
/** A digest list of 16 algorithms. */
const MAX_DIGESTS_BYTES = 16 * (HEAD_BYTES + 64);

/** Type, value, and where the value begins. */
interface Tlv {
  readonly type: number;
  readonly value: Uint8Array;
  readonly offset: number;
}

export interface CelRead {
  /** bytes of whole records */
  readonly bytes: number;
  readonly records: number;
}

/**
 * Reads whole records in CEL-TLV: recnum, PCR or NV index, digests, content, each as type (u8), length (u32, big-endian) and value. What is
 * left behind the last whole record is not read. Integers may have any length that holds them, as encoders differ.
 *
 * @param base offset of `bytes` in the log, for error offsets
 * @throws ProtocolError `cel.malformed`, `cel.index`, `cel.digests`, `cel.content-type`, `cel.limit`, `bytes.text`, with the offset
 * @see TCG Canonical Event Log Format 5.1
 */
export function readCelTlv(bytes: Uint8Array, visit: CelVisitor, base = 0): CelRead {
  let at = 0;
  let records = 0;
  for (;;) {
    const recnum = tlvAt(bytes, at, base, (type) => (type === RECNUM ? 8 : undefined));
    const index =
      recnum && tlvAt(bytes, recnum.end, base, (type) => (type === PCR || type === NV_INDEX ? 4 : undefined));
    const digests =
      index && tlvAt(bytes, index.end, base, (type) => (type === DIGESTS ? MAX_DIGESTS_BYTES : undefined));
    const content =
      digests && tlvAt(bytes, digests.end, base, (type) => (type > DIGESTS ? MAX_CEL_CONTENT_BYTES : undefined));
    if (recnum === undefined || index === undefined || digests === undefined || content === undefined)
      return { bytes: at, records };
    const record = {
      recnum: integerOf(recnum, 'cel.recnum'),
      index: indexOf(index),
      digests: digestsOf(digests),
      content: contentOf(content),
    };
    visit(record, base + at);
    at = content.end;
    records += 1;
  }
}

/** @param limit longest value of a type; undefined for a type that does not stand here @returns undefined where it is cut off */
function tlvAt(
  bytes: Uint8Array,
  at: number,
  base: number,
  limit: (type: number) => number | undefined,
): (Tlv & { readonly end: number }) | undefined {
  const type = bytes[at];
  if (type === undefined) return undefined;
  const longest = limit(type);
  if (longest === undefined) throw new ProtocolError('cel.malformed', base + at);
  if (at + HEAD_BYTES > bytes.length) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(1);
  if (length > longest) throw new ProtocolError(type > DIGESTS ? 'cel.limit' : 'cel.malformed', base + at + 1);
  const end = at + HEAD_BYTES + length;
  if (end > bytes.length) return undefined;
  return { type, value: bytes.subarray(at + HEAD_BYTES, end), offset: base + at + HEAD_BYTES, end };
}

/** The TLVs inside a value, which they fill. */
function inside({ value, offset }: Tlv): Tlv[] {
  try {
    const cursor = new Cursor(value, offset);
    const tlvs: Tlv[] = [];
    while (cursor.remaining > 0) {
      const type = cursor.u8();
      const length = cursor.u32();
      tlvs.push({ type, offset: cursor.offset, value: cursor.bytes(length) });
    }
    return tlvs;
  } catch (cause) {
    if (cause instanceof ProtocolError) throw new ProtocolError('cel.malformed', cause.offset, { cause });
    throw cause;
  }
}

/** The values of just these types, in this order. */
function exactly(outer: Tlv, ...types: readonly number[]): readonly Tlv[] {
  const tlvs = inside(outer);
  if (tlvs.length !== types.length || tlvs.some(({ type }, i) => type !== types[i]))
    throw new ProtocolError('cel.malformed', outer.offset);
  return tlvs;
}

function bigIntegerOf({ value, offset }: Tlv, bytes = 8): bigint {
  if (value.length === 0 || value.length > bytes) throw new ProtocolError('cel.malformed', offset);
  return integer(value);
}

function integerOf(tlv: Tlv, code: 'cel.recnum' | 'cel.malformed' = 'cel.malformed'): number {
  const value = bigIntegerOf(tlv);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ProtocolError(code, tlv.offset);
  return Number(value);
}

function indexOf(tlv: Tlv): CelIndex {
  return (tlv.type === PCR ? celPcr : celNvIndex)(integerOf(tlv), tlv.offset);
}

function digestsOf(tlv: Tlv): readonly CelDigest[] {
  const digests = inside(tlv).map(({ type, value }): CelDigest => ({ algorithm: type, digest: value }));
  return checkDigests(digests, tlv.offset);
}

function contentOf(tlv: Tlv): CelContent {
  const type = celContentType(tlv.type, tlv.offset - HEAD_BYTES);
  switch (type) {
    case 'cel':
      return { type, event: eventOf(tlv) };
    case 'pcclient_std': {
      const [eventType, eventData] = exactly(tlv, 0, 1) as [Tlv, Tlv];
      return { type, eventType: Number(bigIntegerOf(eventType, 4)), eventData: eventData.value };
    }
    case 'ima_template': {
      const [name, data] = exactly(tlv, 0, 1) as [Tlv, Tlv];
      return { type, name: templateName(name), data: data.value };
    }
    case 'ima_tlv':
      checkImaTlv(tlv.value, tlv.offset);
      return { type, data: tlv.value };
    case 'systemd':
      return { type, data: tlv.value };
  }
}

function eventOf(outer: Tlv): CelEvent {
  const [tlv, ...more] = inside(outer);
  if (tlv === undefined || more.length > 0) throw new ProtocolError('cel.malformed', outer.offset);
  switch (tlv.type) {
    case CEL_EVENT_TYPES.cel_version: {
      const [major, minor] = exactly(tlv, 0, 1) as [Tlv, Tlv];
      return { type: 'cel_version', major: Number(bigIntegerOf(major, 2)), minor: Number(bigIntegerOf(minor, 2)) };
    }
    case CEL_EVENT_TYPES.firmware_end:
      exactly(tlv);
      return { type: 'firmware_end' };
    case CEL_EVENT_TYPES.cel_timestamp:
      return { type: 'cel_timestamp', timestamp: bigIntegerOf(tlv) };
    case CEL_EVENT_TYPES.state_trans: {
      const transition = CEL_TRANSITIONS[Number(bigIntegerOf(tlv, 4))];
      if (transition === undefined) throw new ProtocolError('cel.malformed', tlv.offset);
      return { type: 'state_trans', transition };
    }
    default:
      throw new ProtocolError('cel.content-type', tlv.offset - HEAD_BYTES);
  }
}

function templateName({ value, offset }: Tlv): string {
  return checkTemplateName(String.fromCharCode(...value.subarray(0, 256)), offset);
}

/** Printable ASCII without spaces and what JSON would escape, as kernels name templates. @throws ProtocolError `cel.malformed` */
export function checkTemplateName(name: string, offset?: number): string {
  if (!/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/.test(name)) throw new ProtocolError('cel.malformed', offset);
  return name;
}

/** Fields 0 to 7, each at most once, ascending. @throws ProtocolError `cel.malformed` */
export function checkImaTlv(value: Uint8Array, offset = 0): void {
  const types = inside({ type: 0, value, offset }).map(({ type }) => type);
  if (types.some((type, i) => type > 7 || type <= (types[i - 1] ?? -1)))
    throw new ProtocolError('cel.malformed', offset);
}
