import fc from 'fast-check';
import type { MsgpackValue } from '../../src/msgpack/codec.ts';

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);
const LONE_SURROGATE = /\p{Surrogate}/u;

const texts = fc
  .oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 300 }))
  .filter((text) => !text.includes('\0') && !LONE_SURROGATE.test(text));

const keys = fc
  .string({ unit: 'grapheme', maxLength: 40 })
  .filter((key) => !key.includes('\0') && !LONE_SURROGATE.test(key) && !FORBIDDEN.has(key));

const scalars: fc.Arbitrary<MsgpackValue> = fc.oneof(
  fc.nat(300),
  fc.nat(0xffffffff),
  fc.maxSafeNat(),
  fc.bigInt({ min: 2n ** 53n + 1n, max: 2n ** 64n - 1n }),
  fc.boolean(),
  texts,
  fc.uint8Array({ maxLength: 300 }),
);

/** Everything that the canonical encoding can hold, numbers up to 2^53 - 1 as number and those above 2^53 as bigint. */
export const canonicalValues: fc.Arbitrary<MsgpackValue> = fc.letrec<{ value: MsgpackValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    scalars,
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(keys, tie('value'), { maxKeys: 20, noNullPrototype: true }),
  ),
})).value;
