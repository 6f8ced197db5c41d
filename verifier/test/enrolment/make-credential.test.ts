import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type EccParameters,
  fromHex,
  ProtocolError,
  type Public,
  parsePublic,
  TPM_ALG,
  toHex,
  utf8,
  writePublic,
} from '@mtm-attest/protocol';
import { nodeAgreement, nodeCrypto, nodeSecretCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import fc from 'fast-check';
import { makeCredential } from '../../src/enrolment/make-credential.ts';
import { Emulator, emulatorIsInstalled } from '../emulator.ts';
import { expectRefusal } from '../refusal.ts';

const { sha256 } = nodeCrypto;
const SEED = 20_261_125;
const POLICY = fromHex('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa');
const AES = { algorithm: TPM_ALG.AES, keyBits: 128, mode: TPM_ALG.CFB };
const NONE = { algorithm: TPM_ALG.NULL, hash: undefined };
const NAME = Uint8Array.of(0x00, 0x0b, ...sha256(utf8('AK public area')));
const CREDENTIAL = sha256(utf8('credential'));
/** The generator: any point gives the key of a scalar. */
const BASE = [
  fromHex('6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296'),
  fromHex('4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5'),
] as const;
const KEY = nodeAgreement(...BASE, fromHex('5e930b1b2b6c65de47679df72b3a7316a54a84f4b0d1e2159f483657fba3be43'));

const PARAMETERS: EccParameters = {
  type: 'ecc',
  symmetric: AES,
  scheme: NONE,
  curve: 3,
  kdf: NONE,
  x: KEY.x,
  y: KEY.y,
};
const EK: Public = { nameAlg: TPM_ALG.SHA256, attributes: 0x000300b2, authPolicy: POLICY, parameters: PARAMETERS };

function made(change: Partial<Public> = {}): unknown {
  return makeCredential(writePublic({ ...EK, ...change }), NAME, CREDENTIAL);
}

describe('making a credential without a TPM', () => {
  it('gives the known answer for a known ephemeral key (G.5)', () => {
    const ephemeral = fromHex('9ed2bc355f7520eb18a7dc84d23f01eca1a0c0a2613e28cb4cb788570063a7fa');
    const crypto = {
      ...nodeSecretCrypto,
      agree: (x: Uint8Array, y: Uint8Array) => nodeAgreement(x, y, ephemeral),
    };
    const { idObject, secret } = makeCredential(writePublic(EK), NAME, CREDENTIAL, crypto);
    expect(toHex(idObject)).to.equal(
      '00209eefacbfda5ae5af784651cb3b0088f0576af6d1a75bbb73dc316d8e4a2c2a27ec9df025ad989d7ac743ef334304acb7283a35997f1bf87cad98d3ce268c934efefe',
    );
    expect(secret).to.have.length(68);
  });

  it('is different every time', () => {
    expect(made()).not.to.deep.equal(made());
  });

  it('refuses a key that signs, leaves its TPM, opens otherwise, or encrypts otherwise than the standard one (F-09)', () => {
    for (const attributes of [0x000300f2, 0x000300b0, 0x00050072, 0x00020072, 0x000304b2, 0]) {
      expectRefusal(() => made({ attributes }), 'key.attributes');
    }
    const changed: readonly Partial<Public>[] = [
      { nameAlg: TPM_ALG.SHA1 },
      { authPolicy: new Uint8Array() },
      { authPolicy: Uint8Array.from(POLICY, (byte, i) => (i === 0 ? byte ^ 1 : byte)) },
      { parameters: { ...PARAMETERS, symmetric: undefined } },
      { parameters: { ...PARAMETERS, symmetric: { ...AES, keyBits: 256 } } },
      { parameters: { ...PARAMETERS, scheme: { algorithm: TPM_ALG.ECDSA, hash: TPM_ALG.SHA256 } } },
      { parameters: { type: 'keyedhash', scheme: NONE, unique: POLICY } },
    ];
    for (const change of changed) expectRefusal(() => made(change), 'key.parameters');
  });

  it('refuses points off the curve, the point at infinity, other curves, and weak RSA keys (F-10, F-62)', () => {
    const off: readonly Partial<EccParameters>[] = [
      { x: KEY.y },
      { x: new Uint8Array(), y: new Uint8Array() },
      { x: new Uint8Array(32), y: new Uint8Array(32) },
      { x: new Uint8Array(33).fill(1) },
      { x: new Uint8Array(32).fill(0xff) },
      { curve: 4 },
    ];
    for (const change of off) expectRefusal(() => made({ parameters: { ...PARAMETERS, ...change } }), 'key.parameters');
    const odd = new Uint8Array(256).fill(0xff);
    for (const [modulus, keyBits, exponent] of [
      [odd, 2048, 3],
      [odd, 2048, 65536],
      [odd, 4096, 0],
      [odd.subarray(0, 128), 1024, 0],
      [Uint8Array.from(odd, (byte, i) => (i === 255 ? 0xfe : byte)), 2048, 0],
      [Uint8Array.from(odd, (byte, i) => (i === 0 ? 0x7f : byte)), 2048, 0],
      [new Uint8Array(256), 2048, 0],
    ] as const) {
      const parameters = { type: 'rsa', symmetric: AES, scheme: NONE, keyBits, exponent, modulus } as const;
      expectRefusal(() => made({ parameters }), 'key.parameters');
    }
  });

  it('refuses by code whatever was changed in the public area (F-19)', () => {
    const bytes = writePublic(EK);
    const property = fc.property(
      fc.integer({ min: 0, max: bytes.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      (at, by, cut) => {
        const changed = cut ? bytes.subarray(0, at) : bytes.map((byte, i) => (i === at ? byte ^ by : byte));
        // A coordinate that was changed leaves the curve.
        expect(() => makeCredential(changed, NAME, CREDENTIAL)).to.throw(ProtocolError);
      },
    );
    fc.assert(property, { seed: SEED, numRuns: 2000 });
    expectRefusal(() => makeCredential(Uint8Array.of(...bytes, 0), NAME, CREDENTIAL), 'tpm.trailing-bytes');
  });

  it('takes a Name and a credential of no other length', () => {
    const ek = writePublic(EK);
    expect(() => makeCredential(ek, NAME.subarray(1), CREDENTIAL)).to.throw(RangeError);
    for (const length of [0, 33]) {
      expect(() => makeCredential(ek, NAME, new Uint8Array(length))).to.throw(RangeError);
    }
  });

  describe('for a TPM emulator', () => {
    let tpm: Emulator | undefined;

    before(async function () {
      if (!emulatorIsInstalled()) this.skip();
      tpm = await Emulator.start();
    });

    after(() => tpm?.stop());

    for (const kind of ['ecc', 'rsa'] as const) {
      it(`opens there for an ${kind} endorsement key beside the named key, and nowhere else`, () => {
        const emulator = tpm;
        if (emulator === undefined) return expect.fail('no emulator');
        const run = (command: string, ...args: string[]): void => emulator.run(command, ...args);
        const write = (name: string, bytes: Uint8Array): void => writeFileSync(join(emulator.directory, name), bytes);
        run('tpm2_createek', '-c', `${kind}.ek`, '-G', kind, '-u', `${kind}.pub`);
        const ak = ['-G', 'ecc', '-g', 'sha256', '-s', 'ecdsa', '-u', `${kind}.akpub`, '-n', `${kind}.name`];
        run('tpm2_createak', '-C', `${kind}.ek`, '-c', `${kind}.ak`, ...ak);
        const area = emulator.read(`${kind}.pub`).subarray(2);
        expect(parsePublic(area).parameters.type).to.equal(kind);
        const name = emulator.read(`${kind}.name`);
        const activate = (credential: ReturnType<typeof makeCredential>): void => {
          write('credential', credentialFile(credential));
          run('tpm2_startauthsession', '--policy-session', '-S', 'session');
          try {
            run('tpm2_policysecret', '-S', 'session', '-c', 'e');
            const files = ['-i', 'credential', '-o', 'opened', '-P', 'session:session'];
            run('tpm2_activatecredential', '-Q', '-c', `${kind}.ak`, '-C', `${kind}.ek`, ...files);
          } finally {
            run('tpm2_flushcontext', 'session');
          }
        };
        for (let i = 0; i < 8; i++) {
          const credential = sha256(Uint8Array.of(i)).subarray(i);
          activate(makeCredential(area, name, credential));
          expect(emulator.read('opened')).to.deep.equal(Uint8Array.from(credential));
        }
        const other = Uint8Array.from(name, (byte, i) => (i === 33 ? byte ^ 1 : byte));
        expect(() => activate(makeCredential(area, other, CREDENTIAL))).to.throw();
      });
    }
  });
});

/** tpm2-tools' file: a magic number, a version, then both TPM2Bs. */
function credentialFile({ idObject, secret }: ReturnType<typeof makeCredential>): Uint8Array {
  const sized = (bytes: Uint8Array): Uint8Array => Uint8Array.of(bytes.length >> 8, bytes.length & 0xff, ...bytes);
  return Uint8Array.of(0xba, 0xdc, 0xc0, 0xde, 0, 0, 0, 1, ...sized(idObject), ...sized(secret));
}
