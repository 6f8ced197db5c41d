import { expect } from 'chai';
import { fromHex, toHex, utf8 } from '../../src/bytes/text.ts';
import { nodeAgreement, nodeCrypto, nodeHmac } from '../../src/crypto/node.ts';
import { kdfA, kdfE } from '../../src/tpm/key-derivation.ts';

const EMPTY = new Uint8Array();
const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);
const NAME = Uint8Array.of(0x00, 0x0b, ...nodeCrypto.sha256(utf8('AK public area')));
const mac = nodeHmac('sha256');

describe('key derivation', () => {
  it('KDFa gives the known answers', () => {
    expect(toHex(kdfA(mac, KEY, 'STORAGE', NAME, EMPTY, 128))).to.equal('f379deb2f13e289b395aa151d391c03c');
    expect(toHex(kdfA(mac, KEY, 'INTEGRITY', EMPTY, EMPTY, 256))).to.equal(
      'bacf689f634ece301e1f1b15b072d9c87db6a69585db42b1a0cb8f73ebe2692e',
    );
  });

  it('KDFe gives the known answer, from an ephemeral scalar to the seed', () => {
    const key = nodeAgreement(
      // Any point serves to have the key's own: the generator.
      fromHex('6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296'),
      fromHex('4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5'),
      fromHex('5e930b1b2b6c65de47679df72b3a7316a54a84f4b0d1e2159f483657fba3be43'),
    );
    const { x, z } = nodeAgreement(
      key.x,
      key.y,
      fromHex('9ed2bc355f7520eb18a7dc84d23f01eca1a0c0a2613e28cb4cb788570063a7fa'),
    );
    expect(toHex(z)).to.equal('ff35b0c24ffe2a2ad513bdeeecdef5ea46aa347e0ed3f9e110782472d89338b0');
    expect(toHex(kdfE(nodeCrypto.sha256, z, 'IDENTITY', x, key.x, 256))).to.equal(
      '8f30fd294a88832d9f75e0b507b772776876abd6b83a6e10582adffe312caf68',
    );
  });

  it('a shorter result is the start of a longer one under KDFe and not under KDFa, which counts its bits in', () => {
    const long = kdfA(mac, KEY, 'CFB', EMPTY, EMPTY, 640);
    expect(long).to.have.length(80);
    expect(long.subarray(0, 32)).not.to.deep.equal(kdfA(mac, KEY, 'CFB', EMPTY, EMPTY, 256));
    expect(kdfE(nodeCrypto.sha256, KEY, 'SECRET', KEY, KEY, 640).subarray(0, 32)).to.deep.equal(
      kdfE(nodeCrypto.sha256, KEY, 'SECRET', KEY, KEY, 256),
    );
    expect(() => kdfA(mac, KEY, 'CFB', EMPTY, EMPTY, 0)).to.throw(RangeError);
  });
});
