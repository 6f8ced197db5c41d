import {
  BINDING_TYPES,
  type ChannelBinding,
  type MsgpackValue,
  PCR_BYTES,
  PCR_COUNT,
  PURPOSES,
  type Purpose,
} from '@mtm-attest/protocol';
import { AgentError } from '../../error.ts';
import { COUNTER_NAMES, type QuoteRequest, type TrustedPlatform } from '../platform.ts';
import type { Fields } from './ipc.ts';
import { MAX_RANDOM_BYTES } from './soft-platform.ts';

/** Everything that can be asked of a TrE: the verbs of TrustedPlatform but `close`, which is the end of the connection. */
export type Verb = Exclude<keyof TrustedPlatform, 'close'>;
export type Arguments<V extends Verb> = Parameters<TrustedPlatform[V]>;
export type Result<V extends Verb> = Awaited<ReturnType<TrustedPlatform[V]>>;

/** Who speaks: the one agent of the terminal, or somebody who only looks. */
export const ROLES = ['agent', 'inspector'] as const;
export type Role = (typeof ROLES)[number];

/** First field of a client's first frame, and of the one that ends the TrE in order. */
export const OPEN = 'open';
export const POWER_OFF = 'power-off';

/** A verb on both sides of the socket. Reading is bounded and exact; it comes before the platform is touched. */
export interface VerbForm<V extends Verb> {
  /** whether an inspector may use it, with these arguments */
  readonly inspects: boolean | ((...args: Arguments<V>) => boolean);
  readonly writeRequest: (...args: Arguments<V>) => readonly MsgpackValue[];
  readonly readRequest: (fields: Fields) => Arguments<V>;
  readonly serve: (platform: TrustedPlatform, ...args: Arguments<V>) => Promise<Result<V>>;
  readonly writeAnswer: (result: Result<V>) => readonly MsgpackValue[];
  readonly readAnswer: (fields: Fields) => Result<V>;
}

const PURPOSE_NAMES = Object.keys(PURPOSES) as Purpose[];
const BACK_ENDS = ['soft', 'tpm2'] as const;
const PROTECTIONS = ['device-key', 'none', 'chip', 'memory'] as const;
const U32 = 0xffff_ffff;
const MAX_STRUCTURE = 1024;
const MAX_CERTIFICATE = 4096;
const NONE = new Uint8Array();

/** None takes bytes to be signed or quoted as they are, none gives a key away (F-14). */
export const VERBS: { readonly [V in Verb]: VerbForm<V> } = {
  identity: {
    inspects: true,
    writeRequest: () => [],
    readRequest: () => [],
    serve: (platform) => platform.identity(),
    writeAnswer: ({ backEnd, protection, boot, akPublic, akName, sessionKey }) => [
      backEnd,
      protection,
      boot.resetCount,
      boot.restartCount,
      akPublic,
      akName,
      sessionKey,
    ],
    readAnswer: (fields) => ({
      backEnd: fields.choice(BACK_ENDS),
      protection: fields.choice(PROTECTIONS),
      boot: { resetCount: fields.uint(U32), restartCount: fields.uint(U32) },
      akPublic: fields.bytes(1, MAX_STRUCTURE),
      akName: fields.bytes(34),
      sessionKey: fields.bytes(91),
    }),
  },
  extend: {
    inspects: false,
    writeRequest: (pcr, digest) => [pcr, digest],
    readRequest: (fields) => [fields.uint(PCR_COUNT - 1), fields.bytes(PCR_BYTES)],
    serve: (platform, pcr, digest) => platform.extend(pcr, digest),
    writeAnswer: () => [],
    readAnswer: () => undefined,
  },
  readPcrs: {
    inspects: true,
    writeRequest: () => [],
    readRequest: () => [],
    serve: (platform) => platform.readPcrs(),
    writeAnswer: (values) => [values],
    readAnswer: (fields) => fields.bytes(PCR_COUNT * PCR_BYTES),
  },
  quote: {
    inspects: ({ purpose }) => purpose === 'inspect',
    writeRequest: writeQuoteRequest,
    readRequest: (fields) => [readQuoteRequest(fields)],
    serve: (platform, request) => platform.quote(request),
    writeAnswer: ({ attest, signature }) => [attest, signature],
    readAnswer: (fields) => ({ attest: fields.bytes(1, MAX_STRUCTURE), signature: fields.bytes(1, MAX_STRUCTURE) }),
  },
  signHello: {
    inspects: false,
    writeRequest: ({ nonce, binding, audience, terminal }) => [nonce, ...writeBinding(binding), audience, terminal],
    readRequest: (fields) => [
      { nonce: fields.bytes(32), binding: readBinding(fields), audience: fields.text(), terminal: fields.text() },
    ],
    serve: (platform, context) => platform.signHello(context),
    writeAnswer: (signature) => [signature],
    readAnswer: (fields) => fields.bytes(64),
  },
  endorsementKey: {
    inspects: false,
    writeRequest: () => [],
    readRequest: () => [],
    serve: (platform) => platform.endorsementKey(),
    writeAnswer: (ek) => (ek === undefined ? [false] : [true, ek.area, ek.certificate ?? NONE]),
    readAnswer: (fields) => {
      if (!fields.flag()) return undefined;
      const [area, certificate] = [fields.bytes(1, MAX_STRUCTURE), fields.bytes(0, MAX_CERTIFICATE)];
      return { area, certificate: certificate.length === 0 ? undefined : certificate };
    },
  },
  activateCredential: {
    inspects: false,
    writeRequest: ({ idObject, secret }) => [idObject, secret],
    readRequest: (fields) => [{ idObject: fields.bytes(1, MAX_STRUCTURE), secret: fields.bytes(1, MAX_STRUCTURE) }],
    serve: (platform, credential) => platform.activateCredential(credential),
    writeAnswer: (proof) => [proof],
    readAnswer: (fields) => fields.bytes(32),
  },
  readCounter: {
    inspects: true,
    writeRequest: (name) => [name],
    readRequest: (fields) => [fields.choice(COUNTER_NAMES)],
    serve: (platform, name) => platform.readCounter(name),
    writeAnswer: (value) => [value],
    readAnswer: (fields) => fields.u64(),
  },
  incrementCounter: {
    inspects: false,
    writeRequest: (name) => [name],
    readRequest: (fields) => [fields.choice(COUNTER_NAMES)],
    serve: (platform, name) => platform.incrementCounter(name),
    writeAnswer: (value) => [value],
    readAnswer: (fields) => fields.u64(),
  },
  random: {
    inspects: true,
    writeRequest: (length) => [length],
    readRequest: (fields) => [fields.uint(MAX_RANDOM_BYTES)],
    serve: (platform, length) => platform.random(length),
    writeAnswer: (bytes) => [bytes],
    readAnswer: (fields) => fields.bytes(0, MAX_RANDOM_BYTES),
  },
};

export const VERB_NAMES: readonly Verb[] = Object.keys(VERBS) as Verb[];

/**
 * Does what a frame asks for.
 * @returns the fields of the answer
 * @throws AgentError `platform.refused`, and whatever the platform throws
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- it ties the verb to its form inside
export async function serveVerb<V extends Verb>(
  platform: TrustedPlatform,
  role: Role,
  verb: V,
  request: Fields,
): Promise<readonly MsgpackValue[]> {
  const form: VerbForm<V> = VERBS[verb];
  const args = form.readRequest(request);
  request.end();
  const inspects = typeof form.inspects === 'boolean' ? form.inspects : form.inspects(...args);
  if (role === 'inspector' && !inspects) throw new AgentError('platform.refused', verb);
  return form.writeAnswer(await form.serve(platform, ...args));
}

function writeQuoteRequest(request: QuoteRequest): readonly MsgpackValue[] {
  return [
    request.purpose,
    request.challengeDigest,
    ...writeBinding(request.binding),
    request.audience,
    request.terminal,
    request.compartment,
    request.ownershipEpoch,
    request.claimsDigest,
    request.bindSessionKey,
    request.selection,
  ];
}

function readQuoteRequest(fields: Fields): QuoteRequest {
  return {
    purpose: fields.choice(PURPOSE_NAMES),
    challengeDigest: fields.bytes(32),
    binding: readBinding(fields),
    audience: fields.text(),
    terminal: fields.text(),
    compartment: fields.text(),
    ownershipEpoch: fields.u64(),
    claimsDigest: fields.bytes(32),
    bindSessionKey: fields.flag(),
    selection: fields.bytes(4, 128),
  };
}

function writeBinding({ type, value }: ChannelBinding): readonly [string, Uint8Array] {
  return [type, value];
}

function readBinding(fields: Fields): ChannelBinding {
  return { type: fields.choice(BINDING_TYPES), value: fields.bytes(0, 64) };
}
