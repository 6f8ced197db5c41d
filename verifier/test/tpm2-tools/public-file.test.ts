import { createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { encodePublicPem } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { readPublicFile } from '../../src/tpm2-tools/public-file.ts';
import { flipped, followedBy } from '../mutation.ts';
import { expectRefusal } from '../refusal.ts';
import { SoftQuoter } from './soft-quote.ts';

const ECC = new SoftQuoter('ecdsa');
const RSA = new SoftQuoter('rsassa');

function sized(area: Uint8Array): Uint8Array {
  return Uint8Array.from([area.length >> 8, area.length & 0xff, ...area]);
}

function pemOf(jwk: JsonWebKey): Uint8Array {
  return Buffer.from(createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'spki' }));
}

function spkiOf(pem: Uint8Array): Uint8Array {
  return createPublicKey(Buffer.from(pem)).export({ format: 'der', type: 'spki' });
}

function pem(spki: Uint8Array): Uint8Array {
  return Buffer.from(encodePublicPem(spki));
}

describe('a public file', () => {
  for (const quoter of [ECC, RSA]) {
    it(`of a ${quoter.scheme} key is the same as TPMT_PUBLIC and as TPM2B_PUBLIC`, () => {
      const area = quoter.area();
      const [tpmt, tpm2b] = [readPublicFile(area), readPublicFile(sized(area))];
      expect(tpmt.form).to.equal('tpmt');
      expect(tpm2b.form).to.equal('tpm2b');
      expect({ ...tpmt, form: '' }).to.deep.equal({ ...tpm2b, form: '' });
    });

    it(`of a ${quoter.scheme} key in PEM carries the key alone`, () => {
      const area = readPublicFile(quoter.area());
      const file = readPublicFile(quoter.pem);
      if (area.form === 'pem' || file.form !== 'pem') return expect.fail('other forms');
      const { parameters } = area.area;
      if (file.key.type === 'ecc') expect(parameters).to.deep.include({ x: file.key.x, y: file.key.y });
      else expect(parameters).to.deep.include({ modulus: file.key.modulus });
      if (file.key.type === 'rsa') expect(file.key.exponent).to.equal(65537);
    });
  }

  it('gives offsets from the start of the file, its size field counted', () => {
    const area = ECC.area();
    expectRefusal(() => readPublicFile(sized(area.subarray(0, 20))), 'tpm.truncated', 22);
    expectRefusal(() => readPublicFile(area.subarray(0, 20)), 'tpm.truncated', 20);
    expectRefusal(() => readPublicFile(sized(followedBy(area, 0))), 'tpm.trailing-bytes', area.length + 2);
    expectRefusal(() => readPublicFile(followedBy(sized(area), 0)), 'tpm.trailing-bytes', area.length + 2);
    expectRefusal(() => readPublicFile(new Uint8Array()), 'tpm.truncated', 0);
  });

  it('in PEM is refused for another curve or another kind of key (F-10, F-62)', () => {
    const others = [
      generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
      generateKeyPairSync('ed25519'),
      generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
    ];
    for (const { publicKey } of others) {
      const bytes = Buffer.from(publicKey.export({ format: 'pem', type: 'spki' }));
      expectRefusal(() => readPublicFile(bytes), 'key.parameters');
    }
  });

  it('in PEM is refused where its DER is not the one form of the key', () => {
    const [ecc, rsa] = [spkiOf(ECC.pem), spkiOf(RSA.pem)];
    expectRefusal(() => readPublicFile(pem(followedBy(ecc, 0))), 'key.parameters');
    expectRefusal(() => readPublicFile(pem(followedBy(rsa, 0))), 'key.parameters');
    const compressed = Uint8Array.from([
      0x30,
      0x39,
      ...ecc.subarray(2, 23),
      3,
      0x22,
      0,
      2 + ((ecc.at(-1) ?? 0) & 1),
      ...ecc.subarray(27, 59),
    ]);
    expect(() => createPublicKey({ key: Buffer.from(compressed), format: 'der', type: 'spki' })).to.not.throw();
    expectRefusal(() => readPublicFile(pem(compressed)), 'key.parameters');
    expectRefusal(() => readPublicFile(pem(ecc.subarray(1))), 'key.parameters');
  });

  it('in PEM is refused off the curve (F-62)', () => {
    const spki = spkiOf(ECC.pem);
    expectRefusal(() => readPublicFile(pem(flipped(spki, 8 * spki.length - 1))), 'key.parameters');
  });

  it('in PEM keeps an exponent of any size, for the key rules to refuse', () => {
    const { n } = createPublicKey(Buffer.from(RSA.pem)).export({ format: 'jwk' });
    for (const [e, exponent] of [
      ['Aw', 3],
      ['AQAAAAE', 2 ** 32 + 1],
    ] as const) {
      const file = readPublicFile(pemOf({ kty: 'RSA', n: n ?? '', e }));
      expect(file).to.have.nested.property('key.exponent', exponent);
    }
  });

  it('in PEM is refused by what is wrong with the text', () => {
    expectRefusal(() => readPublicFile(followedBy(ECC.pem, 0x0a)), 'file.pem');
    expectRefusal(() => readPublicFile(ECC.pem.subarray(0, ECC.pem.length - 1)), 'file.pem');
  });
});
