import { expect } from 'chai';
import { fromHex, toHex } from '../../src/bytes/text.ts';
import { parseSignature, writeSignature } from '../../src/tpm/signature.ts';
import { followedBy } from '../mutation.ts';
import { EMULATOR_QUOTE } from '../quote/emulator-quote.ts';
import { expectRefusal, refusalOf } from '../refusal.ts';

const R = '6f'.repeat(32);
const S = '27'.repeat(32);

function ecdsa(r: string, s: string): Uint8Array {
  const sized = (scalar: string): string => (scalar.length / 2).toString(16).padStart(4, '0') + scalar;
  return fromHex(`0018000b${sized(r)}${sized(s)}`);
}

const RSASSA = fromHex(`0014000b0100${'5e'.repeat(256)}`);
const RSAPSS = fromHex(`0016000d0180${'5e'.repeat(384)}`);

describe('TPMT_SIGNATURE', () => {
  it('gives r and s of an ECDSA signature', () => {
    const { scheme, hash, signature } = parseSignature(EMULATOR_QUOTE.signature);
    expect({ scheme, hash }).to.deep.equal({ scheme: 'ecdsa', hash: 'sha256' });
    expect(toHex(signature)).to.equal(
      toHex(EMULATOR_QUOTE.signature.subarray(6, 38)) + toHex(EMULATOR_QUOTE.signature.subarray(40)),
    );
  });

  it('pads r and s that lost their leading zeros (F-62)', () => {
    const { signature } = parseSignature(ecdsa('0102', '03'));
    expect(toHex(signature)).to.equal(`${'00'.repeat(30)}0102${'00'.repeat(31)}03`);
  });

  it('refuses r and s that are zero, empty or longer than 32 bytes (F-62)', () => {
    expectRefusal(() => parseSignature(ecdsa('00'.repeat(32), S)), 'tpm.value', 4);
    expectRefusal(() => parseSignature(ecdsa('', S)), 'tpm.value', 4);
    expectRefusal(() => parseSignature(ecdsa(R, '00'.repeat(32))), 'tpm.value', 38);
    expectRefusal(() => parseSignature(ecdsa(`00${R}`, S)), 'tpm.value', 4);
    expectRefusal(() => parseSignature(ecdsa(R, `00${S}`)), 'tpm.value', 38);
  });

  it('gives an RSA signature as it stands, and refuses an empty one', () => {
    expect(parseSignature(RSASSA)).to.deep.equal({ scheme: 'rsassa', hash: 'sha256', signature: RSASSA.subarray(6) });
    expect(parseSignature(RSAPSS)).to.deep.equal({ scheme: 'rsapss', hash: 'sha512', signature: RSAPSS.subarray(6) });
    expectRefusal(() => parseSignature(fromHex('0014000b0000')), 'tpm.value', 4);
  });

  it('refuses schemes and hashes that it does not know (F-17)', () => {
    for (const scheme of ['0000', '0005', '0010', '0015', '001a', '001b', '8018']) {
      expectRefusal(() => parseSignature(fromHex(`${scheme}000b0020${R}0020${S}`)), 'signature.algorithm', 0);
    }
    for (const hash of ['0000', '0010', '0012', '0027', '800b']) {
      expectRefusal(() => parseSignature(fromHex(`0018${hash}0020${R}0020${S}`)), 'signature.algorithm', 2);
    }
  });

  for (const [name, bytes] of Object.entries({ ECDSA: EMULATOR_QUOTE.signature, RSASSA, RSAPSS })) {
    it(`refuses ${name} cut anywhere, and a byte behind it (F-19)`, () => {
      for (let length = 0; length < bytes.length; length++) {
        const { code, offset } = refusalOf(() => parseSignature(bytes.subarray(0, length)));
        expect(code, `cut to ${length}`).to.equal('tpm.truncated');
        expect(offset).to.be.within(0, length);
      }
      expectRefusal(() => parseSignature(followedBy(bytes, 0)), 'tpm.trailing-bytes', bytes.length);
    });

    it(`writes ${name} as it was read`, () => {
      expect(toHex(writeSignature(parseSignature(bytes)))).to.equal(toHex(bytes));
    });
  }
});
