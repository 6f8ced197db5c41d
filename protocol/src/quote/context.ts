import { utf8 } from '../bytes/text.ts';
import { Writer } from '../bytes/writer.ts';
import type { HashFunction } from '../crypto/hash.ts';

/** What a quote is for. None verifies for another (F-05). Receipt, transfer and tamper are reserved for later messages. */
export const PURPOSES = {
  enrol: 1,
  gate: 2,
  runtime: 3,
  receipt: 4,
  transfer: 5,
  tamper: 6,
  inspect: 7,
} as const;

export type Purpose = keyof typeof PURPOSES;

/** How evidence is tied to its connection (RFC 9266; RFC 5929 section 4). `none` is for local inspection and never accepted over the wire. */
export const BINDING_TYPES = ['tls-exporter', 'tls-server-end-point', 'none'] as const;

export type BindingType = (typeof BINDING_TYPES)[number];

/** The compartment of the terminal's maker, its MRTM. */
export const MRTM_COMPARTMENT = 'mrtm';

export interface ChannelBinding {
  readonly type: BindingType;
  /** 32 bytes, or none for type `none` */
  readonly value: Uint8Array;
}

/** Everything that a quote says beside the PCRs. */
export interface QuoteContext {
  readonly purpose: Purpose;
  /** SHA-256 of the challenge message as sent, 32 bytes */
  readonly challengeDigest: Uint8Array;
  readonly binding: ChannelBinding;
  readonly audience: string;
  readonly terminal: string;
  readonly compartment: string;
  readonly ownershipEpoch: bigint;
  /** nameAlg and digest, 34 bytes for SHA-256 */
  readonly akName: Uint8Array;
  /** SHA-256 of the claims as sent, 32 bytes */
  readonly claimsDigest: Uint8Array;
  /** SubjectPublicKeyInfo (DER) of a key that the quote vouches for, or undefined */
  readonly keyToBind?: Uint8Array | undefined;
}

const LABEL = utf8('mtm-attest/v1\0');
const EMPTY = new Uint8Array();
/** Used over and over: every quote made or verified passes here. */
const SCRATCH = new Writer(512);

/**
 * The 32 bytes that stand in TPMS_ATTEST.extraData of every quote. Every field is length-prefixed, a versioned label leads (F-67).
 *
 * @param sha256 any SHA-256
 * @see SPEC.md 5.1
 */
export function qualifyingData(context: QuoteContext, sha256: HashFunction): Uint8Array {
  SCRATCH.clear()
    .bytes(LABEL)
    .u16(PURPOSES[context.purpose])
    .lengthPrefixed(context.challengeDigest)
    .lengthPrefixed(utf8(context.binding.type))
    .lengthPrefixed(context.binding.value)
    .lengthPrefixed(utf8(context.audience))
    .lengthPrefixed(utf8(context.terminal))
    .lengthPrefixed(utf8(context.compartment))
    .u64(context.ownershipEpoch)
    .lengthPrefixed(context.akName)
    .lengthPrefixed(context.claimsDigest)
    .lengthPrefixed(context.keyToBind === undefined ? EMPTY : sha256(context.keyToBind));
  return sha256(SCRATCH.written());
}
