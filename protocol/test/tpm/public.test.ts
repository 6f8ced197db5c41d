import { expect } from 'chai';
import fc from 'fast-check';
import { fromHex, toHex } from '../../src/bytes/text.ts';
import { AK_ATTRIBUTES, TPM_ALG } from '../../src/tpm/constants.ts';
import { parsePublic, publicArea, writePublic } from '../../src/tpm/public.ts';
import { flipped, followedBy } from '../mutation.ts';
import { EMULATOR_QUOTE } from '../quote/emulator-quote.ts';
import { expectRefusal, refusalOf, unlessRefused } from '../refusal.ts';

const SEED = 20_802;

const X = '11'.repeat(32);
const Y = '22'.repeat(32);
const MODULUS = 'c3'.repeat(256);

/** Part 2, 12.2.4: type, nameAlg, objectAttributes, authPolicy, parameters, unique. */
const SAMPLES: Readonly<Record<string, Uint8Array>> = {
  'ECC signing key': EMULATOR_QUOTE.akPublic,
  'RSA signing key': fromHex(`0001000b0005007200000010${'0016000c'}080000000000${'0100'}${MODULUS}`),
  'ECC endorsement key': fromHex(`0023000b000300b20020${'5a'.repeat(32)}0006008000430010${'00030010'}0020${X}0020${Y}`),
  'RSA storage key': fromHex(`0001000b0003047200000006008000430010${'0800'}000100010100${MODULUS}`),
  'sealed object': fromHex(`0008000b000000120000${'0010'}0004deadbeef`),
  'HMAC key': fromHex(`0008000b000400720000${'0005000b'}0004deadbeef`),
  'symmetric cipher': fromHex(`0025000b000600720000${'000600800043'}0002abcd`),
};

const ALL = Object.entries(SAMPLES);

describe('TPMT_PUBLIC', () => {
  it('reads an attestation key', () => {
    const area = parsePublic(EMULATOR_QUOTE.akPublic);
    expect(area.nameAlg).to.equal(TPM_ALG.SHA256);
    expect(area.attributes).to.equal(AK_ATTRIBUTES);
    expect(area.authPolicy).to.have.length(0);
    expect(area.parameters).to.deep.equal({
      type: 'ecc',
      symmetric: undefined,
      scheme: { algorithm: TPM_ALG.ECDSA, hash: TPM_ALG.SHA256 },
      curve: 3,
      kdf: { algorithm: TPM_ALG.NULL, hash: undefined },
      x: EMULATOR_QUOTE.akPublic.subarray(22, 54),
      y: EMULATOR_QUOTE.akPublic.subarray(56),
    });
  });

  it('reads the symmetric algorithm of a storage key and the scheme of an RSA key', () => {
    const storage = parsePublic(SAMPLES['RSA storage key'] ?? new Uint8Array()).parameters;
    expect(storage).to.deep.include({
      type: 'rsa',
      symmetric: { algorithm: TPM_ALG.AES, keyBits: 128, mode: TPM_ALG.CFB },
      keyBits: 2048,
      exponent: 65537,
    });
    const signing = parsePublic(SAMPLES['RSA signing key'] ?? new Uint8Array()).parameters;
    expect(signing).to.deep.include({ scheme: { algorithm: TPM_ALG.RSAPSS, hash: TPM_ALG.SHA384 }, exponent: 0 });
  });

  for (const [name, bytes] of ALL) {
    it(`writes the ${name} as it was read`, () => {
      expect(toHex(writePublic(parsePublic(bytes)))).to.equal(toHex(bytes));
    });

    it(`refuses the ${name} cut anywhere (F-19)`, () => {
      for (let length = 0; length < bytes.length; length++) {
        const { code, offset } = refusalOf(() => parsePublic(bytes.subarray(0, length)));
        expect(code, `cut to ${length}`).to.equal('tpm.truncated');
        expect(offset).to.be.within(0, length);
      }
    });

    it(`refuses a byte behind the ${name} (F-19)`, () => {
      expectRefusal(() => parsePublic(followedBy(bytes, 0)), 'tpm.trailing-bytes', bytes.length);
    });
  }

  it('what parses re-encodes identically, whatever was changed in it', () => {
    const property = fc.property(fc.constantFrom(...ALL), fc.array(fc.nat(511), { maxLength: 3 }), ([, good], bits) => {
      const bytes = bits.reduce(flipped, good);
      const area = unlessRefused(() => parsePublic(bytes));
      if (area !== undefined) expect(toHex(writePublic(area))).to.equal(toHex(bytes));
    });
    fc.assert(property, { seed: SEED, numRuns: 3000 });
  });

  it('refuses a type that it does not know, at its offset in the file', () => {
    expectRefusal(() => parsePublic(fromHex('0026000b000000000000')), 'tpm.value', 0);
    expectRefusal(() => parsePublic(fromHex('0026000b000000000000'), 2), 'tpm.value', 2);
  });

  it('refuses schemes with more than one hash, and a cipher without an algorithm', () => {
    expectRefusal(() => parsePublic(fromHex('0008000b000400720000000a000b00200000')), 'tpm.value', 10);
    expectRefusal(() => parsePublic(fromHex('0025000b00060072000000100000')), 'tpm.value', 10);
  });
});

describe('TPM2B_PUBLIC', () => {
  const AK = EMULATOR_QUOTE.akPublic;
  const SIZED = Uint8Array.from([0, AK.length, ...AK]);

  it('is told from TPMT_PUBLIC by its size field', () => {
    expect(publicArea(SIZED)).to.deep.equal(AK);
    for (const [, bytes] of ALL) expect(publicArea(bytes)).to.deep.equal(bytes);
  });

  it('is refused with a size that does not fit (F-19)', () => {
    expectRefusal(() => publicArea(SIZED.subarray(0, SIZED.length - 1)), 'tpm.truncated', 2);
    expectRefusal(() => publicArea(followedBy(SIZED, 0)), 'tpm.trailing-bytes', SIZED.length);
    expectRefusal(() => publicArea(new Uint8Array(1)), 'tpm.truncated', 0);
    for (let bit = 0; bit < 16; bit++) expect(() => parsePublic(publicArea(flipped(SIZED, bit)))).to.throw();
  });
});
