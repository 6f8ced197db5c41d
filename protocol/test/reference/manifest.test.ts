import { expect } from 'chai';
import fc from 'fast-check';
import { toHex, utf8 } from '../../src/bytes/text.ts';
import { encodeCanonical, type MsgpackValue } from '../../src/msgpack/codec.ts';
import {
  encodeManifest,
  encodeSignedManifest,
  MAX_MANIFEST_BYTES,
  type Manifest,
  manifestMessage,
  parseManifest,
  parseSignedManifest,
  type ReferenceComponent,
  type Release,
  type SignedManifest,
} from '../../src/reference/manifest.ts';
import { expectRefusal, refusalOf } from '../refusal.ts';

const SEED = 40_601;
const D = new Uint8Array(32).fill(7);

const MANIFEST: Manifest = {
  issuer: 'maker',
  model: 'meter-2',
  sequence: 12,
  minimum: 3,
  releases: [
    {
      release: 3,
      version: '1.3.0',
      acceptedUntil: 1_900_000_000_000,
      components: [{ name: 'kernel', pcr: 4, digest: D, phase: 'boot' }],
    },
    {
      release: 4,
      version: '1.4.0',
      components: [
        { name: 'app/meter', pcr: 12, digest: D, phase: 'runtime' },
        { name: 'kernel', pcr: 4, digest: D, phase: 'boot' },
      ],
    },
  ],
};

const digests = fc.uint8Array({ minLength: 32, maxLength: 32 });
const counts = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const components: fc.Arbitrary<readonly ReferenceComponent[]> = fc
  .uniqueArray(fc.stringMatching(/^[A-Za-z0-9_]{1,10}(\/[a-z]{1,4})?$/), { minLength: 1, maxLength: 8 })
  .chain((names) =>
    fc.tuple(
      ...names.sort().map((name) =>
        fc.oneof(
          fc.record({
            name: fc.constant(name),
            pcr: fc.constantFrom(0, 1, 4, 7, 10, 11),
            digest: digests,
            phase: fc.constant('boot' as const),
          }),
          fc.record({
            name: fc.constant(name),
            pcr: fc.constant(12),
            digest: digests,
            phase: fc.constant('runtime' as const),
          }),
        ),
      ),
    ),
  );
/** An event of the log holds a release as a u32. */
const releaseNumbers = fc.integer({ min: 1, max: 0xffffffff });
const releases: fc.Arbitrary<readonly Release[]> = fc
  .uniqueArray(releaseNumbers, { minLength: 1, maxLength: 5 })
  .chain((numbers) =>
    fc.tuple(
      ...numbers
        .sort((a, b) => a - b)
        .map((release) =>
          fc.record(
            {
              release: fc.constant(release),
              version: fc.stringMatching(/^[0-9.]{1,64}$/),
              acceptedUntil: counts,
              components,
            },
            { requiredKeys: ['release', 'version', 'components'] },
          ),
        ),
    ),
  );
const ids = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/);
const manifests: fc.Arbitrary<Manifest> = fc.record({
  issuer: ids,
  model: ids,
  sequence: counts,
  minimum: releaseNumbers,
  releases,
});

const SIGNED: SignedManifest = {
  payload: encodeManifest(MANIFEST),
  signatures: [
    { keyId: D, algorithm: 'ed25519', signature: new Uint8Array(64).fill(1) },
    { keyId: D, algorithm: 'ecdsa-p256', signature: new Uint8Array(64).fill(2) },
  ],
};

function refusesManifest(...values: readonly MsgpackValue[]): void {
  for (const value of values) expectRefusal(() => parseManifest(encodeCanonical(value)), 'manifest.malformed');
}

function refusesSigned(...values: readonly MsgpackValue[]): void {
  for (const value of values) expectRefusal(() => parseSignedManifest(encodeCanonical(value)), 'manifest.malformed');
}

/** A document around one release's fields, or one component's. */
const withRelease = (...fields: readonly MsgpackValue[]): MsgpackValue => ['i', 'm', 1, 1, [fields]];
const withComponents = (...items: readonly MsgpackValue[]): MsgpackValue => withRelease(1, 'v', 0, items);
const PART: readonly MsgpackValue[] = ['kernel', 4, D, 0];

describe('a manifest', () => {
  it('comes back as it was written, and re-encodes identically (F-41)', () => {
    const property = fc.property(manifests, (manifest) => {
      const bytes = encodeManifest(manifest);
      expect(parseManifest(bytes)).to.deep.equal(manifest);
      expect(toHex(encodeManifest(parseManifest(bytes)))).to.equal(toHex(bytes));
    });
    fc.assert(property, { seed: SEED });
    expect(parseManifest(encodeManifest(MANIFEST))).to.deep.equal(MANIFEST);
  });

  it('cut anywhere is refused with an offset inside the input', () => {
    for (const [bytes, read] of [
      [encodeManifest(MANIFEST), parseManifest],
      [encodeSignedManifest(SIGNED), parseSignedManifest],
    ] as const) {
      for (let length = 0; length < bytes.length; length++) {
        const { code, offset } = refusalOf(() => read(bytes.subarray(0, length)));
        expect(code).to.be.oneOf(['msgpack.truncated', 'msgpack.length']);
        expect(offset).to.be.within(0, length);
      }
    }
  });

  it('is a tuple of five with ids and counts from 1 (F-33, F-42)', () => {
    const good: readonly MsgpackValue[] = ['i', 'm', 1, 1, [[1, 'v', 0, [PART]]]];
    parseManifest(encodeCanonical(good));
    refusesManifest(0, 'i', {}, [], good.slice(0, 4), [...good, 0]);
    for (const value of ['', 'I', 'a b', 1, D]) refusesManifest(good.with(0, value), good.with(1, value));
    for (const value of [0, '1', true, 2n ** 53n + 1n, D]) refusesManifest(good.with(2, value), good.with(3, value));
    refusesManifest(good.with(4, []), good.with(4, {}), good.with(4, 0), good.with(4, [0]));
  });

  it('lists its releases ascending, each once and each a complete set (F-34)', () => {
    const release = (number: number): MsgpackValue => [number, 'v', 0, [PART]];
    const many = (count: number): MsgpackValue => [
      'i',
      'm',
      1,
      1,
      Array.from({ length: count }, (_, i) => release(i + 1)),
    ];
    parseManifest(encodeCanonical(many(256)));
    refusesManifest(['i', 'm', 1, 1, [release(2), release(1)]], ['i', 'm', 1, 1, [release(1), release(1)]], many(257));
    refusesManifest(withRelease(1, 'v', 0), withRelease(1, 'v', 0, [PART], 0), withRelease(0, 'v', 0, [PART]));
    refusesManifest(
      withRelease(1, '', 0, [PART]),
      withRelease(1, 'v'.repeat(65), 0, [PART]),
      withRelease(1, 1, 0, [PART]),
    );
    refusesManifest(
      withRelease(1, 'v', '0', [PART]),
      withRelease(1, 'v', 2n ** 53n, [PART]),
      withRelease(1, 'v', 0, []),
    );
  });

  it('lists its components ascending, each once, in a PCR of their phase and with a whole digest (F-39, F-42, F-93)', () => {
    const listed = (...names: readonly string[]): MsgpackValue =>
      withComponents(...names.map((name) => PART.with(0, name)));
    parseManifest(encodeCanonical(listed('a', 'a/b', 'b')));
    refusesManifest(listed('b', 'a'), listed('a', 'a'), listed('../a'), listed(''));
    const spoilt: readonly (readonly MsgpackValue[])[] = [
      [],
      PART.slice(0, 3),
      [...PART, 0],
      PART.with(0, D),
      PART.with(1, '4'),
      PART.with(2, D.subarray(1)),
      PART.with(2, toHex(D)),
      PART.with(3, 2),
      PART.with(3, false),
    ];
    for (const part of spoilt) refusesManifest(withComponents(part));
    const many = (count: number): MsgpackValue =>
      listed(...Array.from({ length: count }, (_, i) => `c${String(i).padStart(4, '0')}`));
    parseManifest(encodeCanonical(many(4096)));
    refusesManifest(many(4097));
    const bootPcrs = [0, 1, 4, 7, 10, 11];
    for (let pcr = 0; pcr < 25; pcr++) {
      for (const [phase, allowed] of [
        [0, bootPcrs.includes(pcr)],
        [1, pcr === 12],
      ] as const) {
        const value = withComponents(['a', pcr, D, phase]);
        if (allowed) parseManifest(encodeCanonical(value));
        else refusesManifest(value);
      }
    }
  });
});

describe('a signed manifest', () => {
  it('comes back as it was written, its payload byte for byte (F-32)', () => {
    expect(parseSignedManifest(encodeSignedManifest(SIGNED))).to.deep.equal(SIGNED);
    const odd = { ...SIGNED, payload: utf8('not even msgpack') };
    expect(parseSignedManifest(encodeSignedManifest(odd)).payload).to.deep.equal(odd.payload);
  });

  it('carries 1 to 8 signatures of 64 bytes with their key ids (F-35, F-42)', () => {
    const one: readonly MsgpackValue[] = [D, 1, new Uint8Array(64)];
    const body = new Uint8Array(3);
    parseSignedManifest(encodeCanonical([body, [one]]));
    parseSignedManifest(encodeCanonical([body, new Array<MsgpackValue>(8).fill(one)]));
    refusesSigned(0, [], [body], [body, [one], 0], ['', [one]], [body, one[0] ?? 0], [body, []]);
    refusesSigned([body, new Array<MsgpackValue>(9).fill(one)]);
    for (const spoilt of [
      one.slice(0, 2),
      [...one, 0],
      one.with(0, D.subarray(1)),
      one.with(1, 0),
      one.with(1, 3),
      one.with(1, '1'),
      one.with(2, new Uint8Array(63)),
      one.with(2, new Uint8Array(65)),
    ]) {
      refusesSigned([body, [spoilt]]);
    }
  });

  it('longer than 1 MiB is refused unread (F-46)', () => {
    expectRefusal(() => parseSignedManifest(new Uint8Array(MAX_MANIFEST_BYTES + 1)), 'manifest.malformed');
    expectRefusal(() => parseSignedManifest(new Uint8Array(MAX_MANIFEST_BYTES)), 'msgpack.trailing-bytes', 1);
  });

  it('signs label and length-prefixed payload, so that it is no hello and no quote (F-05, F-67)', () => {
    const message = Buffer.from(manifestMessage(Uint8Array.of(1, 2, 3)));
    expect(message.toString('latin1')).to.equal('mtm-attest/v1 manifest\0\0\0\0\x03\x01\x02\x03');
  });
});
