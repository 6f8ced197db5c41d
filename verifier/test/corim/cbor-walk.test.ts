import { fromHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeCbor } from '../../src/corim/cbor.ts';
import { checkCbor } from '../../src/corim/cbor-walk.ts';
import { VerifierError } from '../../src/error.ts';
import { expectVerifierRefusal } from '../verifier-refusal.ts';

const SEED = 4_115;

describe('strict CBOR', () => {
  const refused: readonly (readonly [string, string, number])[] = [
    ['nothing', '', 0],
    ['an integer longer than it needs to be', '1817', 0],
    ['a length longer than it needs to be', '8201590001ff', 2],
    ['an indefinite array', '9f00ff', 0],
    ['an indefinite map', 'bf0000ff', 0],
    ['indefinite bytes', '5f4100ff', 0],
    ['a break', '82ff00', 1],
    ['a reserved length', '1c', 0],
    ['bytes that end early', '43aabb', 0],
    ['an array that ends early', '830000', 0],
    ['an array of 2^32 and more', '9b0000000100000000', 0],
    ['a text of 2^64 - 1', '7bffffffffffffffff', 0],
    ['bytes that follow', '0000', 1],
    ['text that is not UTF-8', '8261ff00', 1],
    ['a surrogate in UTF-8', '63eda080', 0],
    ['undefined', 'f7', 0],
    ['another simple value', 'f8ff', 0],
    ['a key that is bytes', 'a1410000', 1],
    ['a key that is an array', 'a18000', 1],
    ['a tag that nobody uses', 'd903e700', 0],
    ['a tag before nothing', 'c1', 1],
  ];
  for (const [name, hex, offset] of refused) {
    it(`refuses ${name}, at its byte`, async () => {
      await expectVerifierRefusal(() => checkCbor(fromHex(hex)), 'corim.cbor', `byte ${offset}`);
    });
  }

  it('refuses keys that come twice, NaN and infinity', async () => {
    for (const hex of ['a200010002', 'a2616100616101', 'f97e00', 'f97c00']) {
      await expectVerifierRefusal(() => decodeCbor(fromHex(hex)), 'corim.cbor');
    }
  });

  it('reads what is left: integers to 2^64 - 1, floats, text, maps of integers and text', () => {
    const read = decodeCbor(fromHex('87 1bffffffffffffffff 20 f93e00 62c3a9 a20001617802 f5 f6'.replaceAll(' ', '')));
    const map = new Map<unknown, unknown>([
      [0, 1],
      ['x', 2],
    ]);
    expect(read).to.deep.equal([0xffff_ffff_ffff_ffffn, -1, 1.5, 'é', map, true, null]);
  });

  it('depth and number of containers are bounded before anything is decoded (F-45)', async () => {
    const deep = (levels: number, head: number): Uint8Array => new Uint8Array(levels + 1).fill(head, 0, levels);
    expect(decodeCbor(deep(24, 0x81))).to.be.an('array');
    await expectVerifierRefusal(() => decodeCbor(deep(25, 0x81)), 'corim.limit', 'byte 24');
    await expectVerifierRefusal(() => decodeCbor(deep(500_000, 0x81)), 'corim.limit', 'byte 24');
    await expectVerifierRefusal(() => decodeCbor(deep(500_000, 0xc1)), 'corim.limit', 'byte 24');
    const many = new Uint8Array([0x99, 0x03, 0xe8, ...new Uint8Array(1000).fill(0x80)]);
    await expectVerifierRefusal(() => decodeCbor(many), 'corim.limit');
  });

  it('what it lets pass the decoder reads, but for keys that come twice; everything else has a code', () => {
    const structured = fc.array(
      fc.constantFrom(
        0x00,
        0x18,
        0x19,
        0x20,
        0x40,
        0x41,
        0x61,
        0x80,
        0x81,
        0x82,
        0xa1,
        0xa2,
        0xc1,
        0xd8,
        0x25,
        0xf6,
        0xf9,
        0xff,
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 64 }),
          structured.map((list) => Uint8Array.from(list)),
        ),
        (bytes) => {
          let passed = true;
          try {
            checkCbor(bytes);
          } catch (error) {
            expect(error).to.be.instanceOf(VerifierError);
            passed = false;
          }
          if (!passed) return;
          try {
            decodeCbor(bytes);
          } catch (error) {
            expect(String(error)).to.match(/repeat map key|Infinity|NaN/);
          }
        },
      ),
      { seed: SEED, numRuns: 10_000 },
    );
  });
});
