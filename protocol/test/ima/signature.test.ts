import { constants, generateKeyPairSync, type KeyObject, privateEncrypt, sign } from 'node:crypto';
import { expect } from 'chai';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import type { FileMeasurement } from '../../src/ima/file-measurement.ts';
import { type ImaKey, imaSigner, parseImaSignature } from '../../src/ima/signature.ts';
import { flipped, followedBy } from '../mutation.ts';
import { expectRefusal } from '../refusal.ts';
import { sha } from './lists.ts';

const FILE = Buffer.from('hello\n');
const KEY_ID = 0xaabbccdd;
const SHA256 = 4;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** signature_v2_hdr and a signature. */
function field(
  signature: Uint8Array,
  { hash = SHA256, keyId = KEY_ID, type = 3, version = 2, length = signature.length } = {},
): Uint8Array {
  const head = Buffer.alloc(9);
  head.set([type, version, hash]);
  head.writeUInt32BE(keyId, 3);
  head.writeUInt16BE(length, 7);
  return new Uint8Array(Buffer.concat([head, signature]));
}

function measured(signature: Uint8Array | undefined, algorithm = 'sha256', type?: string): FileMeasurement {
  return { path: new Uint8Array(), digest: { type, algorithm, digest: sha('sha256', FILE) }, signature };
}

function jwkBytes(key: KeyObject, member: 'n' | 'x' | 'y'): Uint8Array {
  return new Uint8Array(Buffer.from(key.export({ format: 'jwk' })[member] ?? '', 'base64url'));
}

const rsaKey: ImaKey = {
  keyId: KEY_ID,
  key: nodeCrypto.importKey({
    algorithm: 'rsassa',
    hash: 'sha256',
    modulus: jwkBytes(rsa.publicKey, 'n'),
    exponent: 65537,
  }),
};
const ecMaterial = {
  algorithm: 'ecdsa-p256',
  hash: 'sha256',
  x: jwkBytes(ec.publicKey, 'x'),
  y: jwkBytes(ec.publicKey, 'y'),
} as const;
const ecKeys: readonly ImaKey[] = [nodeCrypto, nobleCrypto].map((suite) => ({
  keyId: KEY_ID,
  key: suite.importKey(ecMaterial),
}));
const rsaSignature = new Uint8Array(sign('sha256', FILE, rsa.privateKey));
const ecSignature = new Uint8Array(sign('sha256', FILE, ec.privateKey));

describe('the signature of a measured file', () => {
  it('is read field by field, exactly', () => {
    const bytes = field(Buffer.from('deadbeef', 'hex'));
    const parsed = parseImaSignature(bytes);
    expect(parsed).to.deep.equal({ hash: 'sha256', keyId: KEY_ID, signature: Uint8Array.of(0xde, 0xad, 0xbe, 0xef) });
    expect(parseImaSignature(field(bytes, { hash: 2 })).hash).to.equal('sha1');
    expect(parseImaSignature(field(bytes, { hash: 17 })).hash).to.equal('sm3');
    expect(parseImaSignature(field(bytes, { hash: 200 })).hash).to.equal(undefined);
    expectRefusal(() => parseImaSignature(field(bytes, { type: 5 })), 'ima.signature', 0);
    expectRefusal(() => parseImaSignature(field(bytes, { version: 3 })), 'ima.signature', 1);
    expectRefusal(() => parseImaSignature(followedBy(bytes, 0)), 'ima.signature', 13);
    for (let length = 0; length < bytes.length; length++)
      expectRefusal(() => parseImaSignature(bytes.subarray(0, length)), 'ima.signature');
  });

  it('names the key that made it, RSA or ECDSA', () => {
    expect(imaSigner(measured(field(rsaSignature)), [rsaKey])).to.deep.equal({ status: 'signed', keyId: KEY_ID });
    for (const key of ecKeys)
      expect(imaSigner(measured(field(ecSignature)), [key])).to.deep.equal({ status: 'signed', keyId: KEY_ID });
    const both = imaSigner(measured(field(ecSignature), 'sha256', 'ima'), [rsaKey, ...ecKeys]);
    expect(both).to.deep.equal({ status: 'signed', keyId: KEY_ID });
  });

  it('is absent where the entry has none', () => {
    expect(imaSigner(measured(undefined), [rsaKey])).to.deep.equal({ status: 'unsigned' });
    expect(imaSigner(measured(new Uint8Array()), [rsaKey])).to.deep.equal({ status: 'unsigned' });
  });

  it('of a key that was not given stays unknown', () => {
    const other = field(rsaSignature, { keyId: 1 });
    expect(imaSigner(measured(other), [rsaKey])).to.deep.equal({ status: 'unknown-key', keyId: 1 });
    expect(imaSigner(measured(field(rsaSignature)), [])).to.deep.equal({ status: 'unknown-key', keyId: KEY_ID });
  });

  it('that is no signature of version 2 is bad', () => {
    const bad = { status: 'bad', reason: 'form' } as const;
    expect(imaSigner(measured(field(rsaSignature, { length: 255 })), [rsaKey])).to.deep.equal(bad);
    expect(imaSigner(measured(Uint8Array.of(3)), [rsaKey])).to.deep.equal(bad);
  });

  it('over another hash than the digest and the key have is bad (F-17, F-68)', () => {
    const bad = { status: 'bad', reason: 'hash', keyId: KEY_ID } as const;
    expect(imaSigner(measured(field(rsaSignature, { hash: 2 })), [rsaKey])).to.deep.equal(bad);
    expect(imaSigner(measured(field(rsaSignature), 'sha512'), [rsaKey])).to.deep.equal(bad);
    expect(imaSigner(measured(field(rsaSignature, { hash: 6 }), 'sha512'), [rsaKey])).to.deep.equal(bad);
    expect(imaSigner(measured(field(rsaSignature), 'sha256', 'verity'), [rsaKey])).to.deep.equal(bad);
    const pss = nodeCrypto.importKey({ ...rsaKey.key.material, algorithm: 'rsapss' } as typeof rsaKey.key.material);
    expect(imaSigner(measured(field(rsaSignature)), [{ keyId: KEY_ID, key: pss }])).to.deep.equal(bad);
  });

  it('that does not hold is bad', () => {
    const bad = { status: 'bad', reason: 'signature', keyId: KEY_ID } as const;
    for (const [signature, keys] of [
      [rsaSignature, [rsaKey]],
      [ecSignature, ecKeys],
    ] as const) {
      expect(imaSigner(measured(field(flipped(signature, 8 * 40 + 3))), keys)).to.deep.equal(bad);
      expect(imaSigner(measured(field(signature.subarray(1))), keys)).to.deep.equal(bad);
      const file = {
        ...measured(field(signature)),
        digest: { ...measured(undefined).digest, digest: sha('sha256', Buffer.from('x')) },
      };
      expect(imaSigner(file, keys)).to.deep.equal(bad);
      const short = { ...file, digest: { ...file.digest, digest: file.digest.digest.subarray(0, 20) } };
      expect(imaSigner(short, keys)).to.deep.equal(bad);
    }
    expect(imaSigner(measured(field(ecSignature)), [rsaKey])).to.deep.equal(bad);
  });

  it('over the bare digest, or over another DigestInfo, is bad (F-17)', () => {
    const digest = sha('sha256', FILE);
    const padded = (info: Buffer): Uint8Array => {
      const options = { key: rsa.privateKey, padding: constants.RSA_PKCS1_PADDING };
      return new Uint8Array(privateEncrypt(options, info));
    };
    const head = Buffer.from('3031300d060960864801650304020105000420', 'hex');
    const good = imaSigner(measured(field(padded(Buffer.concat([head, digest])))), [rsaKey]);
    expect(good.status).to.equal('signed');
    const without = Buffer.from('302f300b0609608648016503040201 0420'.replace(' ', ''), 'hex');
    for (const info of [digest, Buffer.concat([without, digest]), Buffer.concat([head, digest, Buffer.alloc(1)])])
      expect(imaSigner(measured(field(padded(info))), [rsaKey]).status).to.equal('bad');
  });
});
