import { expect } from 'chai';
import { fromHex } from '../../src/bytes/text.ts';
import { attestationKey, p256AkArea } from '../../src/quote/attestation-key.ts';
import { AK_ATTRIBUTES, NO_DA, TPM_ALG } from '../../src/tpm/constants.ts';
import { type EccParameters, type Public, parsePublic, type RsaParameters } from '../../src/tpm/public.ts';
import { expectRefusal } from '../refusal.ts';
import { EMULATOR_QUOTE } from './emulator-quote.ts';

const AREA = parsePublic(EMULATOR_QUOTE.akPublic);
const ECC = AREA.parameters as EccParameters;

const RSA: RsaParameters = {
  type: 'rsa',
  symmetric: undefined,
  scheme: { algorithm: TPM_ALG.RSASSA, hash: TPM_ALG.SHA256 },
  keyBits: 2048,
  exponent: 0,
  modulus: new Uint8Array(256).fill(0xc3),
};

const AES = { algorithm: TPM_ALG.AES, keyBits: 128, mode: TPM_ALG.CFB };

function expectKeyRefused(parameters: Public['parameters']): void {
  expectRefusal(() => attestationKey({ ...AREA, parameters }), 'key.parameters');
}

describe('an attestation key', () => {
  it('is P-256 with ECDSA and SHA-256', () => {
    const { x, y } = ECC;
    expect(attestationKey(AREA)).to.deep.equal({ algorithm: 'ecdsa-p256', hash: 'sha256', x, y });
  });

  it('has the public area that a TPM gives such a key', () => {
    expect(p256AkArea(ECC.x, ECC.y)).to.deep.equal(EMULATOR_QUOTE.akPublic);
  });

  it('or RSA with RSASSA or RSAPSS, with the exponent that 0 stands for', () => {
    const { modulus } = RSA;
    expect(attestationKey({ ...AREA, parameters: RSA })).to.deep.equal({
      algorithm: 'rsassa',
      hash: 'sha256',
      modulus,
      exponent: 65537,
    });
    const scheme = { algorithm: TPM_ALG.RSAPSS, hash: TPM_ALG.SHA384 };
    expect(attestationKey({ ...AREA, parameters: { ...RSA, scheme, exponent: 3 } })).to.deep.equal({
      algorithm: 'rsapss',
      hash: 'sha384',
      modulus,
      exponent: 3,
    });
  });

  it('has exactly the attributes of a restricted signing key: one bit more or less is refused (F-09)', () => {
    for (let bit = 0; bit < 32; bit++) {
      const attributes = (AK_ATTRIBUTES ^ (1 << bit)) >>> 0;
      expectRefusal(() => attestationKey({ ...AREA, attributes }), 'key.attributes');
    }
    expectRefusal(() => attestationKey({ ...AREA, attributes: 0x000300b2 }), 'key.attributes');
    expectRefusal(() => attestationKey({ ...AREA, attributes: 0 }), 'key.attributes');
  });

  it('may have noDA where that is allowed, and nothing else with it', () => {
    const attributes = AK_ATTRIBUTES | NO_DA;
    expectRefusal(() => attestationKey({ ...AREA, attributes }), 'key.attributes');
    expect(attestationKey({ ...AREA, attributes }, { allowNoDa: true }).algorithm).to.equal('ecdsa-p256');
    expect(attestationKey(AREA, { allowNoDa: true }).algorithm).to.equal('ecdsa-p256');
    for (let bit = 0; bit < 32; bit++) {
      const other = (attributes ^ (1 << bit)) >>> 0;
      if (other === AK_ATTRIBUTES) continue;
      expectRefusal(() => attestationKey({ ...AREA, attributes: other }, { allowNoDa: true }), 'key.attributes');
    }
  });

  it('is refused with another curve, scheme, hash, key derivation or symmetric algorithm (F-10)', () => {
    for (const curve of [0, 1, 2, 4, 5]) expectKeyRefused({ ...ECC, curve });
    for (const algorithm of [TPM_ALG.NULL, TPM_ALG.ECDH, 0x001a]) {
      expectKeyRefused({ ...ECC, scheme: { algorithm, hash: TPM_ALG.SHA256 } });
    }
    for (const hash of [TPM_ALG.SHA1, TPM_ALG.SHA384, undefined]) {
      expectKeyRefused({ ...ECC, scheme: { algorithm: TPM_ALG.ECDSA, hash } });
    }
    expectKeyRefused({ ...ECC, kdf: { algorithm: 0x0020, hash: TPM_ALG.SHA256 } });
    expectKeyRefused({ ...ECC, symmetric: AES });
    expectKeyRefused({ ...RSA, symmetric: AES });
    for (const algorithm of [TPM_ALG.NULL, TPM_ALG.RSAES, TPM_ALG.OAEP, TPM_ALG.ECDSA]) {
      expectKeyRefused({ ...RSA, scheme: { algorithm, hash: TPM_ALG.SHA256 } });
    }
    expectKeyRefused({ ...RSA, scheme: { algorithm: TPM_ALG.RSASSA, hash: 0x0012 } });
    expectKeyRefused({ ...RSA, keyBits: 3072 });
    expectKeyRefused({
      type: 'keyedhash',
      scheme: { algorithm: TPM_ALG.HMAC, hash: TPM_ALG.SHA256 },
      unique: fromHex('00'),
    });
    expectKeyRefused({ type: 'symcipher', symmetric: AES, unique: fromHex('00') });
  });

  it('is refused with a nameAlg of SHA-1 or none, which would give it a weak Name (F-10)', () => {
    for (const nameAlg of [TPM_ALG.SHA1, TPM_ALG.NULL, 0x000a, 0x800b]) {
      expectRefusal(() => attestationKey({ ...AREA, nameAlg }), 'key.parameters');
    }
    expect(attestationKey({ ...AREA, nameAlg: TPM_ALG.SHA384 }).algorithm).to.equal('ecdsa-p256');
  });

  it('may have coordinates that lost their leading zeros, never longer ones', () => {
    const short = attestationKey({ ...AREA, parameters: { ...ECC, x: fromHex('0102') } });
    expect(short).to.have.deep.property('x', Uint8Array.from([...new Uint8Array(30), 1, 2]));
    expectKeyRefused({ ...ECC, y: new Uint8Array(33) });
  });
});
