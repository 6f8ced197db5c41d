import { ProtocolError } from '../error.ts';
import { decodeStrict, encodeCanonical, isMsgpackMap, type MsgpackValue } from '../msgpack/codec.ts';

/** What no PCR covers and the quote therefore covers through qualifyingData. */
export interface Claims {
  /** rises with every quote of this TrE, durable before the quote that shows it */
  readonly auditCounter: bigint;
  /** SHA-256 of the enrolment token, 32 bytes; in an enrolment quote only */
  readonly tokenDigest?: Uint8Array | undefined;
  /** activationProof of the challenge's credential, 32 bytes; in the enrolment quote of a TPM only */
  readonly activation?: Uint8Array | undefined;
}

const DIGEST_BYTES = 32;

/** Canonical msgpack map: `a` auditCounter u64, `c` activation, `k` tokenDigest (SPEC.md 5.2). */
export function encodeClaims(claims: Claims): Uint8Array {
  const map: Record<string, MsgpackValue> = { a: claims.auditCounter };
  if (claims.activation !== undefined) map['c'] = claims.activation;
  if (claims.tokenDigest !== undefined) map['k'] = claims.tokenDigest;
  return encodeCanonical(map);
}

/** @throws ProtocolError `msgpack.*`, `message.field` */
export function parseClaims(bytes: Uint8Array): Claims {
  const map = decodeStrict(bytes);
  if (!isMsgpackMap(map)) throw new ProtocolError('message.field', 0);
  const { a: counter, c: activation, k: tokenDigest, ...rest } = map;
  if (Object.keys(rest).length > 0) throw new ProtocolError('message.field', 0);
  if (typeof counter !== 'bigint' && typeof counter !== 'number') throw new ProtocolError('message.field', 0);
  return {
    auditCounter: BigInt(counter),
    ...(tokenDigest === undefined ? {} : { tokenDigest: digest(tokenDigest) }),
    ...(activation === undefined ? {} : { activation: digest(activation) }),
  };
}

function digest(value: MsgpackValue): Uint8Array {
  if (value instanceof Uint8Array && value.length === DIGEST_BYTES) return value;
  throw new ProtocolError('message.field', 0);
}
