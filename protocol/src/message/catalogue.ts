import { ProtocolError } from '../error.ts';
import { PCR_BYTES, PCR_COUNT } from '../event-log/replay.ts';
import { MAX_ENTRIES } from '../ima/entry.ts';
import { decodeStrict, encodeCanonical, isMsgpackMap, type MsgpackValue } from '../msgpack/codec.ts';
import type { BootIdentity } from '../quote/boot-identity.ts';
import { PURPOSES } from '../quote/context.ts';
import { VERDICTS } from '../result/verdict.ts';
import { CHALLENGE_ID_BYTES } from './challenge-id.ts';
import {
  bytes,
  choice,
  code,
  codes,
  type Field,
  flag,
  id,
  isU32,
  type OptionalField,
  optional,
  tuple,
  uint,
} from './field.ts';

/** The WebSocket subprotocol: name and version of everything below. */
export const SUBPROTOCOL = 'mtm-attest.v1';

/** Largest message, in bytes; the WebSocket's maxPayload (F-56). */
export const MAX_MESSAGE_BYTES = 65536;

/** Largest slice of a log and largest part of a component list, in bytes. */
export const MAX_SLICE_BYTES = 49152;

/** Where the verifier's accepted knowledge of a log ends; count 0 asks for the whole log. */
export interface LogCursor extends BootIdentity {
  /** events accepted */
  readonly count: number;
  /** prefixDigest of those events, 16 bytes */
  readonly prefix: Uint8Array;
}

const bootIdentity = (key: string, about: string): Field<BootIdentity> =>
  tuple(
    key,
    'array [resetCount u32, restartCount u32]',
    about,
    ([resetCount, restartCount, ...rest]) =>
      isU32(resetCount) && isU32(restartCount) && rest.length === 0 ? { resetCount, restartCount } : undefined,
    ({ resetCount, restartCount }) => [resetCount, restartCount],
  );

const cursor = (key: string, about: string): Field<LogCursor> =>
  tuple(
    key,
    'array [resetCount u32, restartCount u32, count u32, prefix bin 16]',
    about,
    ([resetCount, restartCount, count, prefix, ...rest]) =>
      isU32(resetCount) &&
      isU32(restartCount) &&
      isU32(count) &&
      prefix instanceof Uint8Array &&
      prefix.length === 16 &&
      rest.length === 0
        ? { resetCount, restartCount, count, prefix }
        : undefined,
    (value) => [value.resetCount, value.restartCount, value.count, value.prefix],
  );

const challengeId = (): Field<Uint8Array> =>
  bytes('i', 'first 8 bytes of SHA-256 of the challenge as sent', CHALLENGE_ID_BYTES);

const BINDING_NUMBERS = { 'tls-exporter': 1, 'tls-server-end-point': 2 } as const;

const WIRE_PURPOSES = ['enrol', 'gate', 'runtime'] as const;

const PART_KINDS = { log: 1, list: 2, firmware: 3, ima: 4 } as const;

type Direction = 'terminal' | 'verifier' | 'both';

interface MessageForm {
  readonly type: number;
  readonly from: Direction;
  readonly about: string;
  readonly fields: Readonly<Record<string, Field<unknown>>>;
}

/** Every message of the protocol: number, sender, fields. SPEC.md 6 prints this table. */
export const MESSAGES = {
  greeting: {
    type: 1,
    from: 'verifier',
    about: 'opens a connection',
    fields: {
      nonce: bytes('n', 'signed by hello', 32),
      audience: id('a', 'the name under which this verifier is addressed'),
      binding: choice('b', 'the channel binding in use', BINDING_NUMBERS, ['tls-exporter', 'tls-server-end-point']),
    },
  },
  hello: {
    type: 2,
    from: 'terminal',
    about: 'proves which terminal this is',
    fields: {
      terminal: id('i', 'the enrolled terminal'),
      signature: bytes('s', 'r and s by the session key over helloDigest', 64),
    },
  },
  enrol: {
    type: 3,
    from: 'terminal',
    about: 'asks for enrolment with a token',
    fields: {
      terminal: id('i', 'the terminal that the token names'),
      token: bytes('k', 'the token secret', 32),
      akPublic: bytes('a', 'TPMT_PUBLIC of the AK', 1, 1024),
      sessionKey: bytes('p', 'SubjectPublicKeyInfo (DER) of the session key', 91),
      ek: optional(bytes('e', 'TPMT_PUBLIC of the endorsement key; with a token for a TPM alone', 1, 1024)),
      ekCertificate: optional(bytes('c', 'certificate of that key (DER), where its maker left one', 1, 4096)),
    },
  },
  challenge: {
    type: 4,
    from: 'verifier',
    about: 'asks for evidence',
    fields: {
      nonce: bytes('n', 'random, single use', 32),
      purpose: choice('p', 'what the quote is for', PURPOSES, WIRE_PURPOSES),
      selection: bytes('s', 'TPML_PCR_SELECTION that the quote must carry', 10, 64),
      cursor: optional(cursor('c', 'where the accepted log ends; absent for enrolment')),
      knownList: optional(bytes('k', 'first 16 bytes of the digest of the component list already known', 16)),
      credential: optional(bytes('o', 'content of TPM2B_ID_OBJECT, for the AK; for enrolment of a TPM alone', 68)),
      encryptedSecret: optional(bytes('e', 'content of TPM2B_ENCRYPTED_SECRET, beside the credential', 68, 256)),
      firmware: optional(flag('f', 'true where the firmware log is wanted; only with count 0')),
      ima: optional(uint('m', 'the IMA list is wanted, from this entry on', MAX_ENTRIES)),
    },
  },
  evidence: {
    type: 5,
    from: 'terminal',
    about: 'answers a challenge',
    fields: {
      challenge: challengeId(),
      attest: bytes('q', 'TPMS_ATTEST', 1, 1024),
      signature: bytes('s', 'TPMT_SIGNATURE', 1, 1024),
      claims: bytes('c', 'canonical claims, covered by qualifyingData', 1, 1024),
      log: bytes('l', 'log slice from the cursor on, whole records', 0, MAX_SLICE_BYTES),
      moreLog: optional(flag('r', 'true where further slices follow as parts')),
      lists: optional(uint('z', 'how many component lists follow as parts', 64)),
      pcrs: optional(
        bytes('p', 'the quoted values of the SHA-256 bank, indices ascending', PCR_BYTES, PCR_COUNT * PCR_BYTES),
      ),
      firmware: optional(flag('f', 'true where the firmware log follows as parts')),
      ima: optional(flag('m', 'true where entries of the IMA list follow as parts')),
    },
  },
  part: {
    type: 6,
    from: 'terminal',
    about: 'a slice of the firmware log, the IMA list, the log or a component list',
    fields: {
      challenge: challengeId(),
      kind: choice('k', 'what this belongs to', PART_KINDS, ['log', 'list', 'firmware', 'ima']),
      body: bytes('b', 'the bytes', 0, MAX_SLICE_BYTES),
      last: optional(flag('e', 'true on the last part of a log or of this list')),
    },
  },
  want: {
    type: 7,
    from: 'verifier',
    about: 'asks for a component list that the log names',
    fields: { challenge: challengeId(), list: bytes('d', 'SHA-256 of the list', 32) },
  },
  bootNew: {
    type: 8,
    from: 'terminal',
    about: 'the challenge names another boot than this one',
    fields: { challenge: challengeId(), boot: bootIdentity('b', 'the present boot') },
  },
  result: {
    type: 9,
    from: 'verifier',
    about: 'the verdict, durable before it is sent',
    fields: {
      challenge: challengeId(),
      verdict: choice('v', 'the verdict', VERDICTS, ['trusted', 'untrusted', 'stale', 'unreachable', 'unknown']),
      codes: optional(codes('c', 'the reasons; absent where there are none')),
      ledgerIndex: uint('n', 'position in the ledger', Number.MAX_SAFE_INTEGER),
      leafHash: bytes('h', 'RFC 9162 leaf hash of the result', 32),
    },
  },
  noResult: {
    type: 10,
    from: 'verifier',
    about: 'evidence that changes no verdict, and why',
    fields: { challenge: challengeId(), code: code('c', 'the reason') },
  },
  enrolled: {
    type: 11,
    from: 'verifier',
    about: 'the enrolment is durable',
    fields: { terminal: id('i', 'the terminal'), audience: id('a', 'the audience to expect in greetings') },
  },
  refusal: {
    type: 12,
    from: 'both',
    about: 'ends the connection, and why',
    fields: { code: code('c', 'the reason') },
  },
} as const satisfies Readonly<Record<string, MessageForm>>;

export type MessageName = keyof typeof MESSAGES;

type FieldsOf<N extends MessageName> = (typeof MESSAGES)[N]['fields'];
type ValueOf<F> = F extends Field<infer T> ? T : never;
type OptionalKeys<F> = { [K in keyof F]: F[K] extends OptionalField<unknown> ? K : never }[keyof F];

/** One message by name: its fields with their types, and `type`. */
export type Message<N extends MessageName> = { readonly type: N } & {
  readonly [K in Exclude<keyof FieldsOf<N>, OptionalKeys<FieldsOf<N>>>]: ValueOf<FieldsOf<N>[K]>;
} & { readonly [K in OptionalKeys<FieldsOf<N>>]?: ValueOf<FieldsOf<N>[K]> };

export type AnyMessage = { [N in MessageName]: Message<N> }[MessageName];
export type TerminalMessage = Extract<AnyMessage, { type: NamesFrom<'terminal'> }>;
export type VerifierMessage = Extract<AnyMessage, { type: NamesFrom<'verifier'> }>;
type NamesFrom<D extends Direction> = {
  [N in MessageName]: (typeof MESSAGES)[N]['from'] extends D | 'both' ? N : never;
}[MessageName];

interface Layout {
  readonly name: MessageName;
  readonly form: MessageForm;
  /** wire key to field, in the order of the wire */
  readonly byKey: ReadonlyMap<string, readonly [name: string, field: Field<unknown>]>;
  readonly required: number;
}

function layoutOf(name: MessageName): Layout {
  const form: MessageForm = MESSAGES[name];
  const entries = Object.entries(form.fields);
  const byKey = new Map(entries.map(([fieldName, field]) => [field.key, [fieldName, field] as const]));
  return { name, form, byKey, required: entries.filter(([, field]) => !field.optional).length };
}

const LAYOUTS: ReadonlyMap<number, Layout> = new Map(
  (Object.keys(MESSAGES) as MessageName[]).map((name) => [MESSAGES[name].type, layoutOf(name)]),
);

/** The message's bytes: a canonical msgpack map of one-letter keys, `t` the type's number. */
export function encodeMessage<N extends MessageName>(message: Message<N>): Uint8Array {
  const layout = LAYOUTS.get(MESSAGES[message.type].type);
  const map: Record<string, MsgpackValue> = { t: MESSAGES[message.type].type };
  // eslint-disable-next-line no-restricted-syntax -- the layout was made from the same form as the type
  const values = message as unknown as Readonly<Record<string, unknown>>;
  for (const [key, [name, field]] of layout?.byKey ?? []) {
    const value = values[name];
    if (value !== undefined) map[key] = field.write(value) as MsgpackValue;
  }
  return encodeCanonical(map);
}

/**
 * Reads one message and holds it against its form: exact keys, exact types, bounds, and the right sender.
 *
 * @param from whose messages may come in here
 * @throws ProtocolError `msgpack.*` with the offset; `message.type`, `message.direction`, `message.field`, `message.too-long`
 */
export function parseMessage(bytes: Uint8Array, from: 'terminal'): TerminalMessage;
export function parseMessage(bytes: Uint8Array, from: 'verifier'): VerifierMessage;
export function parseMessage(bytes: Uint8Array, from: 'terminal' | 'verifier'): TerminalMessage | VerifierMessage {
  if (bytes.length > MAX_MESSAGE_BYTES) throw new ProtocolError('message.too-long', MAX_MESSAGE_BYTES);
  const map = decodeStrict(bytes);
  const type = isMsgpackMap(map) ? map['t'] : undefined;
  const layout = typeof type === 'number' ? LAYOUTS.get(type) : undefined;
  if (layout === undefined) throw new ProtocolError('message.type', 0);
  if (layout.form.from !== from && layout.form.from !== 'both') throw new ProtocolError('message.direction', 0);
  const message: Record<string, unknown> = { type: layout.name };
  let required = 0;
  for (const [key, value] of Object.entries(map)) {
    if (key === 't') continue;
    const known = layout.byKey.get(key);
    if (known === undefined) throw new ProtocolError('message.field', 0);
    const [name, field] = known;
    message[name] = field.read(value);
    if (!field.optional) required += 1;
  }
  if (required !== layout.required) throw new ProtocolError('message.field', 0);
  // eslint-disable-next-line no-restricted-syntax -- every field was read by the form that its type comes from
  return message as unknown as TerminalMessage | VerifierMessage;
}
