import type { Socket } from 'node:net';
import {
  BINDING_TYPES,
  decodeStrict,
  encodeCanonical,
  isMsgpackArray,
  type MsgpackValue,
  PURPOSES,
  type Purpose,
} from '@mtm-attest/protocol';
import { AGENT_CODES, type AgentCode, AgentError } from '../../error.ts';
import type { CounterName, QuoteRequest } from '../platform.ts';

/** Who speaks: the one agent of the terminal, or somebody who only looks. */
export const ROLES = ['agent', 'inspector'] as const;
export type Role = (typeof ROLES)[number];

/** Everything that can be asked of a TrE. None takes bytes to be signed or quoted as they are, none gives a key away (F-14). */
export const VERBS = [
  'open',
  'identity',
  'extend',
  'readPcrs',
  'quote',
  'signHello',
  'readCounter',
  'incrementCounter',
  'random',
  'powerOff',
] as const;
export type Verb = (typeof VERBS)[number];

/** What somebody who only looks may ask for; a quote then only for inspection. */
export const INSPECTOR_VERBS: ReadonlySet<Verb> = new Set([
  'open',
  'identity',
  'readPcrs',
  'quote',
  'readCounter',
  'random',
]);

export const COUNTERS: readonly CounterName[] = ['audit', 'bootstrap', 'rim-protect', 'storage-protect'];

/** Largest frame, in bytes; the length in front of it is a u32. */
export const MAX_FRAME_BYTES = 65536;
const LENGTH_BYTES = 4;

/** One request: verb and arguments. */
export interface Request {
  readonly verb: Verb;
  readonly args: readonly MsgpackValue[];
}

/** A length-prefixed canonical msgpack value. */
export function encodeFrame(value: MsgpackValue): Uint8Array {
  const body = encodeCanonical(value);
  if (body.length > MAX_FRAME_BYTES) throw new AgentError('platform.refused', 'the frame is too long');
  const frame = Buffer.alloc(LENGTH_BYTES + body.length);
  frame.writeUInt32BE(body.length);
  frame.set(body, LENGTH_BYTES);
  return frame;
}

/** The values of a socket, in order; ends with the socket. @throws AgentError `platform.refused`; ProtocolError `msgpack.*` */
export async function* readFrames(socket: Socket): AsyncGenerator<MsgpackValue> {
  let held = Buffer.alloc(0);
  for await (const chunk of socket) {
    held = Buffer.concat([held, chunk as Buffer]);
    while (held.length >= LENGTH_BYTES) {
      const length = held.readUInt32BE(0);
      if (length > MAX_FRAME_BYTES) throw new AgentError('platform.refused', 'the frame is too long');
      if (held.length < LENGTH_BYTES + length) break;
      yield decodeStrict(new Uint8Array(held.subarray(LENGTH_BYTES, LENGTH_BYTES + length)));
      held = held.subarray(LENGTH_BYTES + length);
    }
  }
}

/** @throws AgentError `platform.refused` */
export function readRequest(value: MsgpackValue): Request {
  const [name, ...args] = isMsgpackArray(value) ? value : [];
  const verb = VERBS.find((one) => one === name);
  if (verb === undefined) throw new AgentError('platform.refused', 'verb');
  return { verb, args };
}

/** `[0, value]`, or `[1, code, detail]`. */
export function encodeFailure(error: unknown): MsgpackValue {
  if (error instanceof AgentError) return [1, error.code, error.detail ?? ''];
  return [1, 'platform.unavailable', ''];
}

/** @throws AgentError with the code that the TrE gave */
export function readAnswer(value: MsgpackValue): MsgpackValue {
  const [failed, first, detail] = isMsgpackArray(value) ? value : [];
  if (failed === 0 && first !== undefined) return first;
  if (failed === 1 && typeof first === 'string' && isAgentCode(first)) {
    throw new AgentError(first, typeof detail === 'string' && detail !== '' ? detail : undefined);
  }
  throw new AgentError('platform.unavailable', 'its answer cannot be read');
}

function isAgentCode(code: string): code is AgentCode {
  return Object.hasOwn(AGENT_CODES, code);
}

export function encodeQuoteRequest(request: QuoteRequest): readonly MsgpackValue[] {
  const { binding } = request;
  return [
    request.purpose,
    request.challengeDigest,
    binding.type,
    binding.value,
    request.audience,
    request.terminal,
    request.compartment,
    request.ownershipEpoch,
    request.claimsDigest,
    request.bindSessionKey,
    request.selection,
  ];
}

/** @throws AgentError `platform.refused` */
export function readQuoteRequest(args: readonly MsgpackValue[]): QuoteRequest {
  const [purpose, challengeDigest, type, value, audience, terminal, compartment, epoch, claimsDigest, bind, selection] =
    args;
  if (typeof bind !== 'boolean' || args.length !== 11) throw new AgentError('platform.refused', 'quote');
  return {
    purpose: oneOf(Object.keys(PURPOSES) as Purpose[], purpose),
    challengeDigest: bytesOf(challengeDigest, 32, 32),
    binding: { type: oneOf(BINDING_TYPES, type), value: bytesOf(value, 0, 64) },
    audience: textOf(audience),
    terminal: textOf(terminal),
    compartment: textOf(compartment),
    ownershipEpoch: counterOf(epoch),
    claimsDigest: bytesOf(claimsDigest, 32, 32),
    bindSessionKey: bind,
    selection: bytesOf(selection, 4, 128),
  };
}

export function bytesOf(value: MsgpackValue | undefined, least: number, most: number): Uint8Array {
  if (value instanceof Uint8Array && value.length >= least && value.length <= most) return value;
  throw new AgentError('platform.refused', 'bytes');
}

export function textOf(value: MsgpackValue | undefined): string {
  if (typeof value === 'string' && value.length <= 256) return value;
  throw new AgentError('platform.refused', 'text');
}

export function numberOf(value: MsgpackValue | undefined, most: number): number {
  if (typeof value === 'number' && value <= most) return value;
  throw new AgentError('platform.refused', 'number');
}

/** A u64, which comes as a number where it is small. */
export function counterOf(value: MsgpackValue | undefined): bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return BigInt(value);
  throw new AgentError('platform.refused', 'counter');
}

export function oneOf<T extends string>(allowed: readonly T[], value: MsgpackValue | undefined): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new AgentError('platform.refused', 'choice');
  return found;
}
