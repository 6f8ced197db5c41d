import { parseSignature } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { readSignatureFile } from '../../src/tpm2-tools/signature-file.ts';
import { followedBy } from '../mutation.ts';
import { expectRefusal } from '../refusal.ts';
import { SELECTION, SoftQuoter, VALUES } from './soft-quote.ts';

const ECC = { type: 'ecc' } as const;
const RSA = { type: 'rsa', modulusBytes: 256 } as const;

function der(...integers: readonly (readonly number[])[]): Uint8Array {
  const body = integers.flatMap((integer) => [2, integer.length, ...integer]);
  return Uint8Array.from([0x30, body.length, ...body]);
}

const FULL = Array<number>(32).fill(0x7f);
const HIGH = [0, ...Array<number>(32).fill(0x80)];

describe('a signature file', () => {
  it('is TPMT_SIGNATURE where it begins like one', () => {
    for (const scheme of ['ecdsa', 'rsassa', 'rsapss'] as const) {
      const { signature } = new SoftQuoter(scheme).quote(SELECTION, VALUES).files;
      const file = readSignatureFile(signature, scheme === 'ecdsa' ? ECC : RSA);
      expect(file).to.deep.equal({ form: 'tpmt', signature: parseSignature(signature) });
      expect(readSignatureFile(signature, undefined).form).to.equal('tpmt');
    }
  });

  it('is TPMT_SIGNATURE still when it is cut to the size of a plain one (F-19)', () => {
    const { signature: ecdsa } = new SoftQuoter('ecdsa').quote(SELECTION, VALUES).files;
    const { signature: rsassa } = new SoftQuoter('rsassa').quote(SELECTION, VALUES).files;
    expectRefusal(() => readSignatureFile(ecdsa.subarray(0, 64), ECC), 'tpm.truncated', 40);
    expectRefusal(() => readSignatureFile(rsassa.subarray(0, 256), RSA), 'tpm.truncated', 6);
    expectRefusal(() => readSignatureFile(new Uint8Array(), ECC), 'tpm.truncated', 0);
  });

  it('is plain RSA where it is as long as the modulus', () => {
    const plain = new Uint8Array(256).fill(3);
    expect(readSignatureFile(plain, RSA)).to.deep.equal({ form: 'plain', signature: plain });
    expectRefusal(() => readSignatureFile(plain.subarray(1), RSA), 'signature.algorithm', 0);
    expectRefusal(() => readSignatureFile(followedBy(plain, 3), RSA), 'signature.algorithm', 0);
  });

  it('is r and s side by side where it has 64 bytes', () => {
    const plain = new Uint8Array(64).fill(3);
    for (const first of [[3], [0x30, 0x3e, 2], [0, 0x18, 3]]) {
      plain.set(first);
      expect(readSignatureFile(plain, ECC)).to.deep.equal({ form: 'plain', signature: plain });
    }
    expectRefusal(() => readSignatureFile(plain.subarray(1), ECC), 'signature.algorithm', 0);
  });

  it('is DER, with integers of any length up to 32 bytes', () => {
    expect(readSignatureFile(der(FULL, HIGH), ECC)).to.deep.equal({
      form: 'plain',
      signature: Uint8Array.from([...FULL, ...HIGH.slice(1)]),
    });
    const short = readSignatureFile(der([1], [0, 0x80]), ECC);
    expect(short.signature).to.deep.equal(
      Uint8Array.from({ length: 64 }, (_, i) => (i === 31 ? 1 : i === 63 ? 0x80 : 0)),
    );
  });

  it('is refused in DER that is not the one form of two positive numbers (F-62)', () => {
    const good = der(FULL, HIGH);
    const odd = [
      followedBy(good, 0),
      good.subarray(0, good.length - 1),
      der(FULL),
      der(FULL, FULL, FULL),
      der([], FULL),
      der(FULL, []),
      der([0x80], FULL),
      der([0, 0x7f], FULL),
      der([0], FULL),
      der([0, 0, 0x80], FULL),
      der([1, ...FULL], FULL),
      der(FULL, [0, ...HIGH]),
      Uint8Array.from([0x30, 0x81, 0x08, 2, 2, 1, 1, 2, 2, 1, 1]),
      Uint8Array.from([0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0]),
      Uint8Array.of(0x30),
      Uint8Array.of(0x30, 0x06, 2, 1, 1, 3, 1, 1),
    ];
    for (const bytes of odd) expectRefusal(() => readSignatureFile(bytes, ECC), 'file.signature');
    for (let length = 1; length < good.length; length++) {
      if (length !== 64) expectRefusal(() => readSignatureFile(good.subarray(0, length), ECC), 'file.signature');
    }
  });
});
