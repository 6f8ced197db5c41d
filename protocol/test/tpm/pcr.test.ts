import { expect } from 'chai';
import fc from 'fast-check';
import { fromHex, toHex } from '../../src/bytes/text.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import type { HashName } from '../../src/tpm/constants.ts';
import {
  type PcrSelection,
  type PcrValues,
  parsePcrSelection,
  parseSelectionText,
  pcrDigest,
  selectionText,
  writePcrSelection,
} from '../../src/tpm/pcr.ts';
import { followedBy } from '../mutation.ts';
import { EMULATOR_QUOTE } from '../quote/emulator-quote.ts';
import { expectRefusal, refusalOf } from '../refusal.ts';

const SEED = 20_803;
const ZERO = new Uint8Array(32);

const selections = fc.array(
  fc.record({
    bank: fc.constantFrom<HashName>('sha1', 'sha256', 'sha384', 'sha512'),
    pcrs: fc.uniqueArray(fc.nat(23), { minLength: 1 }).map((pcrs) => pcrs.sort((a, b) => a - b)),
  }),
  { minLength: 1, maxLength: 16 },
);

describe('TPML_PCR_SELECTION', () => {
  it('has the bits of the emulator', () => {
    expect(toHex(writePcrSelection([{ bank: 'sha256', pcrs: [0, 1, 10] }]))).to.equal('00000001000b03030400');
    expect(toHex(writePcrSelection([{ bank: 'sha256', pcrs: [10] }]))).to.equal('00000001000b03000400');
    expect(toHex(writePcrSelection([]))).to.equal('00000000');
  });

  it('is written as it is read, banks in their order, the same bank twice', () => {
    const property = fc.property(selections, (selection) => {
      expect(parsePcrSelection(writePcrSelection(selection))).to.deep.equal(selection);
    });
    fc.assert(property, { seed: SEED });
    const twice = fromHex('00000003000b03010000000403020000000b03000080');
    expect(selectionText(parsePcrSelection(twice))).to.equal('sha256:0+sha1:1+sha256:23');
  });

  it('is read with bitmaps of up to four bytes', () => {
    expect(parsePcrSelection(fromHex('00000001000b020180'))).to.deep.equal([{ bank: 'sha256', pcrs: [0, 15] }]);
    expect(parsePcrSelection(fromHex('00000001000b0400000080'))).to.deep.equal([{ bank: 'sha256', pcrs: [31] }]);
    expectRefusal(() => parsePcrSelection(fromHex('00000001000b050000000000')), 'tpm.value', 4);
  });

  it('is refused with an unknown bank, and with more banks than a TPM has before they are read (F-46)', () => {
    expectRefusal(() => parsePcrSelection(fromHex('00000001001203010000')), 'tpm.value', 4);
    expectRefusal(() => parsePcrSelection(fromHex('ffffffff')), 'tpm.value', 0);
    expectRefusal(() => parsePcrSelection(fromHex('00000011')), 'tpm.value', 0);
  });

  it('is refused cut anywhere and with a byte behind it (F-19)', () => {
    const good = fromHex('00000002000b03030400000403010000');
    for (let length = 0; length < good.length; length++) {
      expect(refusalOf(() => parsePcrSelection(good.subarray(0, length))).code).to.equal('tpm.truncated');
    }
    expectRefusal(() => parsePcrSelection(followedBy(good, 0)), 'tpm.trailing-bytes', good.length);
  });

  it('is not written for a PCR that no TPM has', () => {
    for (const pcr of [-1, 24, 0.5]) {
      expect(() => writePcrSelection([{ bank: 'sha256', pcrs: [pcr] }])).to.throw(RangeError);
    }
  });
});

describe('a selection in text', () => {
  it('is read with the order of its banks kept and PCRs sorted', () => {
    expect(parseSelectionText('sha256:7,0,1,7+sha1:0')).to.deep.equal([
      { bank: 'sha256', pcrs: [0, 1, 7] },
      { bank: 'sha1', pcrs: [0] },
    ]);
    expect(parseSelectionText('sha1:0+sha256:0').map(({ bank }) => bank)).to.deep.equal(['sha1', 'sha256']);
    expect(parseSelectionText('sha384:all')[0]?.pcrs).to.deep.equal([...Array(24).keys()]);
  });

  it('comes back as it was written', () => {
    const property = fc.property(selections, (selection) => {
      expect(parseSelectionText(selectionText(selection))).to.deep.equal(selection);
    });
    fc.assert(property, { seed: SEED });
  });

  it('is refused in any other form', () => {
    const bad = [
      '',
      'sha256',
      'sha256:',
      ':0',
      'sha256:24',
      'sha256:-1',
      'sha256:0,',
      'sha256:0+',
      'sha256:0:1',
      'sm3:0',
    ];
    const odd = ['sha256: 0', 'SHA256:0', 'sha256:1e1', 'sha256:000', '__proto__:0', 'toString:0'];
    for (const text of [...bad, ...odd]) expectRefusal(() => parseSelectionText(text), 'tpm.selection-text');
  });
});

describe('pcrDigest', () => {
  const values: PcrValues = {
    sha256: new Map([
      [0, ZERO],
      [1, ZERO],
      [10, EMULATOR_QUOTE.pcr10],
    ]),
    sha1: new Map([[0, new Uint8Array(20).fill(7)]]),
  };
  const digest = (selection: PcrSelection): string => toHex(pcrDigest(selection, values, nodeCrypto.sha256));

  it('is the one that the emulator signed', () => {
    expect(digest(parseSelectionText('sha256:0,1,10'))).to.equal(toHex(EMULATOR_QUOTE.pcrDigest));
    expect(digest(parseSelectionText('sha256:10'))).to.equal(
      'a16975a33cb422f27a03af1580f768406cf7af3b673fca6366d5a2ba0b651680',
    );
  });

  it('takes the hash of the signature over values of any bank, in the order of the selection', () => {
    const sha1 = new Uint8Array(20).fill(7);
    const joined = (...parts: Uint8Array[]): string =>
      toHex(nodeCrypto.sha256(Uint8Array.from(parts.flatMap((part) => [...part]))));
    expect(digest(parseSelectionText('sha1:0+sha256:0'))).to.equal(joined(sha1, ZERO));
    expect(digest(parseSelectionText('sha256:0+sha1:0'))).to.equal(joined(ZERO, sha1));
    expect(pcrDigest(parseSelectionText('sha1:0'), values, nodeCrypto.sha384)).to.have.length(48);
    expect(digest([])).to.equal(toHex(nodeCrypto.sha256(new Uint8Array())));
  });

  it('is refused without a value for every PCR of the selection (F-15)', () => {
    expectRefusal(() => digest(parseSelectionText('sha256:0,2')), 'pcr.value-missing');
    expectRefusal(() => digest(parseSelectionText('sha384:0')), 'pcr.value-missing');
  });

  it('is refused for a value of another length than its bank', () => {
    const short: PcrValues = { sha256: new Map([[0, new Uint8Array(20)]]) };
    expectRefusal(() => pcrDigest(parseSelectionText('sha256:0'), short, nodeCrypto.sha256), 'pcr.value-length');
  });
});
