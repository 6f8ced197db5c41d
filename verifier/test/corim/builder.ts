import { sign } from 'node:crypto';
import { encode, Tagged } from 'cborg';
import type { Signer } from '../ear/fixture.ts';

export type CborMap = ReadonlyMap<unknown, unknown>;

/** A map with integer keys. */
export function map(members: Readonly<Record<number, unknown>>): CborMap {
  return new Map(Object.entries(members).map(([key, value]) => [Number(key), value]));
}

export function tagged(tag: number, value: unknown): Tagged {
  return new Tagged(tag, value);
}

export const UUID = tagged(37, new Uint8Array(16).fill(0xab));
export const UUID_TEXT = 'uuid:abababab-abab-abab-abab-abababababab';
export const SHA256 = new Uint8Array(32).fill(1);
export const SHA384 = new Uint8Array(48).fill(2);
export const ENVIRONMENT = map({ 0: map({ 0: UUID }) });
export const TPM_PROFILE = tagged(32, 'tag:github.com/parallaxsecond,2023-03-03:tpm');

/** A measurement of key `key` with one digest or several. */
export function measurement(key: unknown, ...digests: readonly unknown[]): CborMap {
  return new Map<unknown, unknown>([...(key === undefined ? [] : [[0, key] as const]), [1, map({ 2: digests })]]);
}

export const MEASUREMENT = measurement(4, [1, SHA256], [7, SHA384]);
export const REFERENCE = [ENVIRONMENT, [MEASUREMENT]];

export function comid(
  triples: CborMap = map({ 0: [REFERENCE] }),
  more: Readonly<Record<number, unknown>> = {},
): Tagged {
  return tagged(506, encode(map({ 1: map({ 0: 'a tag' }), 4: triples, ...more })));
}

export function corim(members: Readonly<Record<number, unknown>> = {}): Uint8Array {
  return encode(tagged(501, map({ 0: 'a document', 1: [comid()], ...members })));
}

/** A document with these triples alone. */
export function withTriples(triples: Readonly<Record<number, unknown>>, profile?: Tagged): Uint8Array {
  return corim({ 1: [comid(map(triples))], ...(profile === undefined ? {} : { 3: profile }) });
}

/** A document with one measurement of these values. */
export function withValues(values: Readonly<Record<number, unknown>>): Uint8Array {
  return withTriples({ 0: [[ENVIRONMENT, [map({ 1: map(values) })]]] });
}

export const NOT_BEFORE = 1_700_000_000;
export const NOT_AFTER = 1_800_000_000;

const META = map({
  0: map({ 0: 'a signer', 1: tagged(32, 'https://signer.example') }),
  1: map({ 0: tagged(1, NOT_BEFORE), 1: tagged(1, NOT_AFTER) }),
});

export const HEADER: Readonly<Record<number, unknown>> = {
  1: -7,
  3: 'application/rim+cbor',
  4: new Uint8Array([1, 2]),
  8: encode(META),
};

/** Signed by us, with any header and any payload. */
export function signed(
  signer: Signer,
  payload: Uint8Array = corim(),
  header: Readonly<Record<number, unknown>> = HEADER,
  unprotected: CborMap = map({}),
): Uint8Array {
  const head = encode(map(header));
  const input = encode(['Signature1', head, new Uint8Array(), payload]);
  const hash = signer.key.algorithm === 'ES256' ? 'sha256' : 'sha384';
  const signature = new Uint8Array(sign(hash, input, { key: signer.privateKey, dsaEncoding: 'ieee-p1363' }));
  return encode(tagged(18, [head, unprotected, payload, signature]));
}
