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
  checkImaTlv,
  checkTemplateName,
  equalBytes,
  MAX_CEL_RECORDS,
  ProtocolError,
  TCG_EVENT_TYPES,
} from '@mtm-attest/protocol';
import { decode, encode } from 'cborg';
import { endOfItem, headAt } from './item.ts';

const MAX_BYTES = 67_108_864;
const MAX_CONTENT_BYTES = 1_048_576;
const ARRAY = 4;
const U32 = 0xffffffff;
const STRICT = { strict: true, rejectDuplicateMapKeys: true, allowIndefinite: false, useMaps: true } as const;

type CborMap = ReadonlyMap<unknown, unknown>;

/**
 * Reads a log in CEL-CBOR: an array of records, each a map in deterministic encoding.
 *
 * @returns number of records
 * @throws ProtocolError `cel.malformed`, `cel.truncated`, `cel.index`, `cel.digests`, `cel.content-type`, `cel.limit` with the offset of the
 * record or of the byte in it
 * @see TCG Canonical Event Log Format 1.1, 5.2
 */
export function readCelCbor(bytes: Uint8Array, visit: CelVisitor): number {
  if (bytes.length > MAX_BYTES) throw new ProtocolError('cel.limit', MAX_BYTES);
  const head = headAt(bytes, 0, 0);
  if (head === undefined) throw new ProtocolError('cel.truncated', 0);
  if (head.major !== ARRAY) throw new ProtocolError('cel.malformed', 0);
  if (head.argument > MAX_CEL_RECORDS) throw new ProtocolError('cel.limit', 0);
  if (!equalBytes(encode(head.argument).subarray(1), bytes.subarray(1, head.next)))
    throw new ProtocolError('cel.malformed', 0);
  let at = head.next;
  for (let record = 0; record < head.argument; record++) {
    const end = endOfItem(bytes, at, 0);
    if (end === undefined) throw new ProtocolError('cel.truncated', at);
    readRecord(bytes.subarray(at, end), at, visit);
    at = end;
  }
  if (at !== bytes.length) throw new ProtocolError('cel.malformed', at);
  return head.argument;
}

function readRecord(bytes: Uint8Array, at: number, visit: CelVisitor): void {
  const record = members(decoded(bytes, at), [0, 3, 9, 10], [1, 2], at);
  const type = celContentType(integer(record.get(9), U32, at), at);
  visit(
    {
      recnum: integer(record.get(0), Number.MAX_SAFE_INTEGER, at),
      index: readIndex(record.get(1), record.get(2), at),
      digests: readDigests(record.get(3), at),
      content: readContent(type, record.get(10), at),
    },
    at,
  );
}

/** What was decoded must be what is encoded: the decoder lets unsorted maps and the like pass. */
function decoded(bytes: Uint8Array, at: number): unknown {
  let value: unknown;
  let again: Uint8Array;
  try {
    value = decode(bytes, STRICT);
    again = encode(value);
  } catch (cause) {
    throw new ProtocolError('cel.malformed', at, { cause });
  }
  if (!equalBytes(bytes, again)) throw new ProtocolError('cel.malformed', at);
  return value;
}

function readIndex(pcr: unknown, nvIndex: unknown, at: number): CelIndex {
  if ((pcr === undefined) === (nvIndex === undefined)) throw new ProtocolError('cel.malformed', at);
  return pcr === undefined ? celNvIndex(integer(nvIndex, U32, at), at) : celPcr(integer(pcr, U32, at), at);
}

function readDigests(value: unknown, at: number): readonly CelDigest[] {
  if (!Array.isArray(value)) throw new ProtocolError('cel.malformed', at);
  const digests = value.map((one: unknown): CelDigest => {
    const digest = members(one, [0, 1], [], at);
    return { algorithm: integer(digest.get(0), 0xffff, at), digest: byteString(digest.get(1), at) };
  });
  return checkDigests(digests, at);
}

function readContent(type: CelContent['type'], value: unknown, at: number): CelContent {
  switch (type) {
    case 'cel':
      return { type, event: readEvent(value, at) };
    case 'pcclient_std': {
      const content = members(value, [0, 1], [], at);
      return { type, eventType: eventTypeOf(content.get(0), at), eventData: byteString(content.get(1), at) };
    }
    case 'ima_template': {
      const content = members(value, [0, 1], [], at);
      const name = content.get(0);
      if (typeof name !== 'string') throw new ProtocolError('cel.malformed', at);
      return { type, name: checkTemplateName(name, at), data: byteString(content.get(1), at) };
    }
    case 'ima_tlv': {
      const data = byteString(value, at);
      checkImaTlv(data, at);
      return { type, data };
    }
    case 'systemd':
      return { type, data: byteString(value, at) };
  }
}

function readEvent(value: unknown, at: number): CelEvent {
  const event = members(value, [0], [1], at);
  const data = event.get(1);
  switch (event.get(0)) {
    case CEL_EVENT_TYPES.cel_version: {
      const version = members(data, [0, 1], [], at);
      const [major, minor] = [version.get(0), version.get(1)].map((number) => integer(number, 0xffff, at));
      return { type: 'cel_version', major: major ?? 0, minor: minor ?? 0 };
    }
    case CEL_EVENT_TYPES.firmware_end:
      if (data !== undefined) throw new ProtocolError('cel.malformed', at);
      return { type: 'firmware_end' };
    case CEL_EVENT_TYPES.cel_timestamp:
      return { type: 'cel_timestamp', timestamp: BigInt(integer(data, Number.MAX_SAFE_INTEGER, at)) };
    case CEL_EVENT_TYPES.state_trans: {
      const transition = CEL_TRANSITIONS[integer(data, U32, at)];
      if (transition === undefined) throw new ProtocolError('cel.malformed', at);
      return { type: 'state_trans', transition };
    }
    default:
      throw new ProtocolError('cel.content-type', at);
  }
}

/** By number or by name. */
function eventTypeOf(value: unknown, at: number): number {
  if (typeof value !== 'string') return integer(value, U32, at);
  if (!Object.hasOwn(TCG_EVENT_TYPES, value)) throw new ProtocolError('cel.malformed', at);
  return TCG_EVENT_TYPES[value as keyof typeof TCG_EVENT_TYPES].code;
}

function members(value: unknown, demanded: readonly number[], optional: readonly number[], at: number): CborMap {
  if (!(value instanceof Map)) throw new ProtocolError('cel.malformed', at);
  const map: CborMap = value;
  const known = [...map.keys()].every((key) => demanded.concat(optional).some((one) => one === key));
  if (!known || !demanded.every((key) => map.has(key))) throw new ProtocolError('cel.malformed', at);
  return map;
}

function integer(value: unknown, max: number, at: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max)
    throw new ProtocolError('cel.malformed', at);
  return value;
}

function byteString(value: unknown, at: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new ProtocolError('cel.malformed', at);
  if (value.length > MAX_CONTENT_BYTES) throw new ProtocolError('cel.limit', at);
  return value;
}
