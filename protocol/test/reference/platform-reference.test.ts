import { expect } from 'chai';
import fc from 'fast-check';
import { compareBytes } from '../../src/bytes/compare.ts';
import { toHex, utf8 } from '../../src/bytes/text.ts';
import { encodeCanonical, type MsgpackValue } from '../../src/msgpack/codec.ts';
import { encodeManifest, type Manifest, parseManifest } from '../../src/reference/manifest.ts';
import type { PlatformReference } from '../../src/reference/platform-reference.ts';
import { expectRefusal } from '../refusal.ts';

const SEED = 40_602;
const D = new Uint8Array(32).fill(7);
const E = new Uint8Array(32).fill(8);

const EVENT: readonly MsgpackValue[] = [4, 0x80000003, D, true, 'boot loader'];
const ANY: readonly MsgpackValue[] = [4, 0x80000003, new Uint8Array(), false, 'any'];
const FILE: readonly MsgpackValue[] = ['/usr/bin/agent', [D]];
const IMA: readonly MsgpackValue[] = [1, [FILE], [Uint8Array.of(1)], ['/tmp/'], 1];
const PART: readonly MsgpackValue[] = ['kernel', 4, D, 0];

function document(platform: MsgpackValue, part: MsgpackValue = PART): Uint8Array {
  return encodeCanonical(['i', 'm', 1, 1, [[1, 'v', 0, [part], platform]]]);
}

function takes(...platforms: readonly MsgpackValue[]): void {
  for (const platform of platforms) {
    const bytes = document(platform);
    expect(toHex(encodeManifest(parseManifest(bytes)))).to.equal(toHex(bytes));
  }
}

function refuses(...platforms: readonly MsgpackValue[]): void {
  for (const platform of platforms) expectRefusal(() => parseManifest(document(platform)), 'manifest.malformed');
}

const withEvents = (...events: readonly MsgpackValue[]): MsgpackValue => [events, 0];
const withIma = (at: number, value: MsgpackValue): MsgpackValue => [0, IMA.with(at, value)];

const digests = fc.uint8Array({ minLength: 32, maxLength: 32 });
const texts = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((text) => !text.includes('\0'));
const distinct = <T>(items: fc.Arbitrary<T>, bytesOf: (item: T) => Uint8Array): fc.Arbitrary<readonly T[]> =>
  fc
    .uniqueArray(items, { maxLength: 5, selector: (item) => toHex(bytesOf(item)) })
    .map((all) => all.toSorted((a, b) => compareBytes(bytesOf(a), bytesOf(b))));
const files = distinct(
  fc.record({ path: texts, digests: distinct(digests, (digest) => digest).filter(({ length }) => length > 0) }),
  ({ path }) => utf8(path),
);
const ima = fc.record({
  rule: fc.constantFrom('per-bank' as const, 'padded' as const),
  files,
  keys: distinct(fc.uint8Array({ minLength: 1, maxLength: 100 }), (key) => key),
  excludes: distinct(
    texts.map((text) => `/${text}`),
    utf8,
  ),
  violations: fc.boolean(),
});
const platforms: fc.Arbitrary<PlatformReference> = fc.oneof(
  fc.record({ ima }),
  fc.record({
    ima,
    firmware: fc.constant([
      { pcr: 0, type: 8, required: false, label: 'any' },
      { pcr: 0, type: 8, digest: D, required: true, label: 'v' },
    ]),
  }),
);

describe('the platform of a release', () => {
  it('comes back as it was written', () => {
    const property = fc.property(platforms, (platform) => {
      const manifest: Manifest = {
        issuer: 'i',
        model: 'm',
        sequence: 1,
        minimum: 1,
        releases: [
          { release: 1, version: 'v', components: [{ name: 'k', pcr: 4, digest: D, phase: 'boot' }], platform },
        ],
      };
      expect(parseManifest(encodeManifest(manifest))).to.deep.equal(manifest);
    });
    fc.assert(property, { seed: SEED });
  });

  it('is absent or has one of its two parts (F-42)', () => {
    expect(parseManifest(encodeCanonical(['i', 'm', 1, 1, [[1, 'v', 0, [PART]]]])).releases[0]).not.to.have.property(
      'platform',
    );
    takes([[EVENT], 0], [0, IMA], [[EVENT], IMA]);
    refuses(0, [], [0], [0, 0], [[EVENT], 0, 0], {}, [[], 0], [0, []], [IMA, [EVENT]]);
    expectRefusal(
      () => parseManifest(encodeCanonical(['i', 'm', 1, 1, [[1, 'v', 0, [PART], [[EVENT], 0], 0]]])),
      'manifest.malformed',
    );
  });

  it('lists events ascending, each once, with a whole digest or none (F-27, F-42)', () => {
    takes(withEvents(EVENT.with(0, 0), ANY, EVENT, EVENT.with(2, E)), withEvents(EVENT.with(0, 23)));
    refuses(withEvents(EVENT, EVENT), withEvents(EVENT, ANY), withEvents(EVENT.with(2, E), EVENT));
    refuses(withEvents(EVENT, EVENT.with(0, 1)), withEvents(EVENT, EVENT.with(1, 1)));
    refuses(withEvents(EVENT.slice(0, 4)), withEvents([...EVENT, 0]), withEvents(0));
    for (const [at, values] of [
      [0, [24, '4', true]],
      [1, [2 ** 32, 'x']],
      [2, [D.subarray(1), toHex(D), 0]],
      [3, [1, 0, 'yes']],
      [4, ['', 'x'.repeat(257), 0]],
    ] as const) {
      for (const value of values) refuses(withEvents(EVENT.with(at, value)));
    }
    const many = (count: number): MsgpackValue =>
      withEvents(...Array.from({ length: count }, (_, i) => EVENT.with(1, i)));
    takes(many(4096));
    refuses(many(4097));
  });

  it('lists files, keys and excludes ascending by bytes, each once (F-41, F-42)', () => {
    takes(withIma(0, 2), withIma(1, []), withIma(2, []), withIma(3, []), withIma(4, 0));
    takes(
      withIma(1, [
        ['/a', [D]],
        ['/a/b', [D, E]],
        ['boot', [new Uint8Array(48)]],
        ['\u{ffff}', [D]],
        ['\u{10000}', [D]],
      ]),
    );
    takes(withIma(3, ['/a', '/b']), withIma(2, [Uint8Array.of(1), Uint8Array.of(1, 0), Uint8Array.of(2)]));
    for (const value of [0, 3, true]) refuses(withIma(0, value));
    refuses(
      withIma(1, [FILE, FILE]),
      withIma(1, [
        ['/b', [D]],
        ['/a', [D]],
      ]),
      withIma(1, [FILE.slice(0, 1)]),
      withIma(1, 0),
    );
    refuses(
      withIma(1, [
        ['\u{10000}', [D]],
        ['\u{ffff}', [D]],
      ]),
      withIma(1, [[D, [D]]]),
      withIma(1, [['', [D]]]),
    );
    refuses(withIma(1, [['x'.repeat(4097), [D]]]), withIma(1, [['/a', []]]), withIma(1, [['/a', [E, D]]]));
    refuses(withIma(1, [['/a', [D, D]]]), withIma(1, [['/a', D]]), withIma(1, [['/a', [new Uint8Array(20)]]]));
    refuses(withIma(2, [Uint8Array.of(1), Uint8Array.of(1)]), withIma(2, [new Uint8Array()]), withIma(2, ['key']));
    refuses(
      withIma(2, [new Uint8Array(1025)]),
      withIma(
        2,
        Array.from({ length: 17 }, (_, i) => Uint8Array.of(i)),
      ),
    );
    refuses(withIma(3, ['/b', '/a']), withIma(3, ['/a', '/a']), withIma(3, ['a']), withIma(3, ['']));
    for (const value of [2, true, '1']) refuses(withIma(4, value));
    refuses([0, IMA.slice(0, 4)], [0, [...IMA, 0]]);
  });

  it('cannot exclude everything', () => {
    refuses(withIma(3, ['/']));
  });

  it('leaves PCR 10 to IMA alone', () => {
    const inPcr10 = PART.with(1, 10);
    expectRefusal(() => parseManifest(document([0, IMA], inPcr10)), 'manifest.malformed');
    parseManifest(document([[EVENT], 0], inPcr10));
  });
});
