import { decodeUtf8, fromHex } from '../bytes/text.ts';
import { ProtocolError } from '../error.ts';
import { TCG_EVENT_TYPES } from '../tcg-log/event-type.ts';
import { HASHES, type HashName } from '../tpm/constants.ts';
import {
  CEL_TRANSITIONS,
  type CelContent,
  type CelDigest,
  type CelEvent,
  type CelIndex,
  type CelVisitor,
  celNvIndex,
  celPcr,
  checkDigests,
  MAX_CEL_CONTENT_BYTES,
  MAX_CEL_RECORDS,
} from './record.ts';
import { checkImaTlv, checkTemplateName } from './tlv-import.ts';

/** Largest log in JSON, in bytes: it is read at once. */
const MAX_JSON_BYTES = 67_108_864;
/** Objects and arrays take memory that short texts do not show; in records there is one for some 30 characters at most. */
const CHARACTERS_PER_OBJECT = 16;
const OBJECTS_OF_ANY = 64;
const LOWER_HEX = /^[0-9a-f]*$/;
const OTHER_ALGORITHM = /^0x[0-9A-Fa-f]{4}$/;
const U32 = 0xffffffff;

/**
 * Reads a log in CEL-JSON: an array of records, byte strings in lower-case hexadecimal. Members that are unknown or stand twice are refused;
 * JSON.parse does not tell the latter, but they show in the number of quotation marks. No text needs a backslash.
 *
 * @returns number of records
 * @throws ProtocolError `cel.json`, `cel.index`, `cel.digests`, `cel.content-type`, `cel.limit`; without an offset
 * @see TCG Canonical Event Log Format 5.3
 */
export function readCelJson(bytes: Uint8Array, visit: CelVisitor): number {
  if (bytes.length > MAX_JSON_BYTES) throw new ProtocolError('cel.limit', MAX_JSON_BYTES);
  const text = jsonText(bytes);
  const records = parsed(text);
  if (!Array.isArray(records)) throw new ProtocolError('cel.json');
  if (records.length > MAX_CEL_RECORDS) throw new ProtocolError('cel.limit');
  let texts = 0;
  for (const record of records) texts += countTexts(record);
  if (text.split('"').length - 1 !== 2 * texts) throw new ProtocolError('cel.json');
  for (const record of records) readRecord(record, visit);
  return records.length;
}

function readRecord(value: unknown, visit: CelVisitor): void {
  const { recnum, pcr, nv_index, digests, content_type, content } = object(value, RECORD_MEMBERS);
  visit({
    recnum: integer(recnum, Number.MAX_SAFE_INTEGER),
    index: readIndex(pcr, nv_index),
    digests: readDigests(digests),
    content: readContent(content_type, content),
  });
}

const RECORD_MEMBERS = ['recnum', 'pcr', 'nv_index', 'digests', 'content_type', 'content'];

function readIndex(pcr: unknown, nvIndex: unknown): CelIndex {
  if ((pcr === undefined) === (nvIndex === undefined)) throw new ProtocolError('cel.json');
  return pcr === undefined ? celNvIndex(integer(nvIndex, U32)) : celPcr(integer(pcr, U32));
}

function readDigests(value: unknown): readonly CelDigest[] {
  if (!Array.isArray(value)) throw new ProtocolError('cel.json');
  const digests = value.map((one: unknown): CelDigest => {
    const { hashAlg, digest } = object(one, ['hashAlg', 'digest']);
    return { algorithm: algorithmOf(text(hashAlg)), digest: hex(digest) };
  });
  return checkDigests(digests);
}

function algorithmOf(name: string): number {
  if (Object.hasOwn(HASHES, name)) return HASHES[name as HashName].algorithm;
  if (!OTHER_ALGORITHM.test(name)) throw new ProtocolError('cel.digests');
  return Number(name);
}

function readContent(type: unknown, value: unknown): CelContent {
  switch (type) {
    case 'cel':
      return { type, event: readEvent(value) };
    case 'pcclient_std': {
      const { event_type, event_data } = object(value, ['event_type', 'event_data']);
      return { type, eventType: eventTypeOf(event_type), eventData: hex(event_data) };
    }
    case 'ima_template': {
      const { template_name, template_data } = object(value, ['template_name', 'template_data']);
      return { type, name: checkTemplateName(text(template_name)), data: hex(template_data) };
    }
    case 'ima_tlv': {
      const data = hex(value);
      checkImaTlv(data);
      return { type, data };
    }
    case 'systemd':
      return { type, data: hex(value) };
    default:
      throw new ProtocolError('cel.content-type');
  }
}

function readEvent(value: unknown): CelEvent {
  const { type, data } = object(value, ['type', 'data']);
  switch (type) {
    case 'cel_version': {
      const { major, minor } = object(data, ['major', 'minor']);
      return { type, major: integer(major, 0xffff), minor: integer(minor, 0xffff) };
    }
    case 'firmware_end':
      if (data !== undefined) throw new ProtocolError('cel.json');
      return { type };
    case 'cel_timestamp':
      return { type, timestamp: BigInt(integer(data, Number.MAX_SAFE_INTEGER)) };
    case 'state_trans': {
      const transition = CEL_TRANSITIONS.find((one) => one === data);
      if (transition === undefined) throw new ProtocolError('cel.json');
      return { type, transition };
    }
    default:
      throw new ProtocolError('cel.content-type');
  }
}

/** By number or by name. */
function eventTypeOf(value: unknown): number {
  if (typeof value !== 'string') return integer(value, U32);
  if (!Object.hasOwn(TCG_EVENT_TYPES, value)) throw new ProtocolError('cel.json');
  return TCG_EVENT_TYPES[value as keyof typeof TCG_EVENT_TYPES].code;
}

function jsonText(bytes: Uint8Array): string {
  try {
    const text = decodeUtf8(bytes);
    if (!text.includes('\\')) return text;
  } catch (cause) {
    throw new ProtocolError('cel.json', undefined, { cause });
  }
  throw new ProtocolError('cel.json');
}

function parsed(json: string): unknown {
  if (countObjects(json) > OBJECTS_OF_ANY + json.length / CHARACTERS_PER_OBJECT) throw new ProtocolError('cel.json');
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new ProtocolError('cel.json', undefined, { cause });
  }
}

function countObjects(json: string): number {
  let count = 0;
  for (let i = 0; i < json.length; i++) {
    const character = json.charAt(i);
    if (character === '{' || character === '[') count += 1;
  }
  return count;
}

/** Members and texts of a value, however deep it is nested. */
function countTexts(value: unknown): number {
  let count = 0;
  const open: unknown[] = [value];
  while (open.length > 0) {
    const one = open.pop();
    if (typeof one === 'string') count += 1;
    if (typeof one !== 'object' || one === null) continue;
    const values: unknown[] = Object.values(one);
    if (!Array.isArray(one)) count += values.length;
    for (const inner of values) open.push(inner);
  }
  return count;
}

/** @returns its members, none beside `members` */
function object(value: unknown, members: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ProtocolError('cel.json');
  if (Object.keys(value).some((name) => !members.includes(name))) throw new ProtocolError('cel.json');
  return value as Record<string, unknown>;
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new ProtocolError('cel.json');
  return value;
}

function integer(value: unknown, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max || Object.is(value, -0))
    throw new ProtocolError('cel.json');
  return value;
}

function hex(value: unknown): Uint8Array {
  const digits = text(value);
  if (digits.length > 2 * MAX_CEL_CONTENT_BYTES) throw new ProtocolError('cel.limit');
  if (digits.length % 2 !== 0 || !LOWER_HEX.test(digits)) throw new ProtocolError('cel.json');
  return fromHex(digits);
}
