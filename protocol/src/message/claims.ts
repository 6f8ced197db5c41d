import { ProtocolError } from '../error.ts';
import { decodeStrict, encodeCanonical, isMsgpackMap, type MsgpackValue } from '../msgpack/codec.ts';

/** What no PCR covers and the quote therefore covers through qualifyingData. */
export interface Claims {
  /** rises with every quote of this TrE, durable before the quote that shows it */
  readonly auditCounter: bigint;
  /** SHA-256 of the enrolment token, 32 bytes; in an enrolment quote only */
  readonly tokenDigest?: Uint8Array | undefined;
}

/** Canonical msgpack map: `a` auditCounter u64, `k` tokenDigest (SPEC.md 5.2). */
export function encodeClaims(claims: Claims): Uint8Array {
  const map: Record<string, MsgpackValue> = { a: claims.auditCounter };
  if (claims.tokenDigest !== undefined) map['k'] = claims.tokenDigest;
  return encodeCanonical(map);
}

/** @throws ProtocolError `msgpack.*`, `message.field` */
export function parseClaims(bytes: Uint8Array): Claims {
  const map = decodeStrict(bytes);
  if (!isMsgpackMap(map)) throw new ProtocolError('message.field', 0);
  const { a: counter, k: tokenDigest, ...rest } = map;
  if (Object.keys(rest).length > 0) throw new ProtocolError('message.field', 0);
  if (typeof counter !== 'bigint' && typeof counter !== 'number') throw new ProtocolError('message.field', 0);
  if (tokenDigest === undefined) return { auditCounter: BigInt(counter) };
  if (!(tokenDigest instanceof Uint8Array) || tokenDigest.length !== 32) throw new ProtocolError('message.field', 0);
  return { auditCounter: BigInt(counter), tokenDigest };
}
