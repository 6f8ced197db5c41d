import { createPublicKey } from 'node:crypto';
import { expect } from 'chai';
import { utf8 } from '../../src/bytes/text.ts';
import { p256Spki } from '../../src/crypto/spki.ts';
import { decodePublicPem, encodePublicPem } from '../../src/tpm2-tools/public-pem.ts';
import { P256 } from '../crypto/suites.ts';
import { flipped } from '../mutation.ts';
import { expectRefusal, unlessRefused } from '../refusal.ts';

const SPKI = p256Spki(P256.material.x, P256.material.y);
const PEM = encodePublicPem(SPKI);
const [HEADER = '', ...REST] = PEM.split('\n');

function decode(text: string): Uint8Array {
  return decodePublicPem(utf8(text));
}

describe('a PEM public key', () => {
  it('is the text that OpenSSL writes', () => {
    const key = createPublicKey({ key: Buffer.from(SPKI), format: 'der', type: 'spki' });
    expect(PEM).to.equal(key.export({ format: 'pem', type: 'spki' }));
    expect(decode(PEM)).to.deep.equal(SPKI);
  });

  it('may have lines of any length, ended by LF or by CR LF', () => {
    const base64 = Buffer.from(SPKI).toString('base64');
    for (const width of [1, 4, 63, 76, 1000]) {
      const lines = base64.match(new RegExp(`.{1,${width}}`, 'g')) ?? [];
      expect(decode([HEADER, ...lines, '-----END PUBLIC KEY-----', ''].join('\n'))).to.deep.equal(SPKI);
    }
    expect(decode(PEM.replaceAll('\n', '\r\n'))).to.deep.equal(SPKI);
  });

  it('is refused with anything before, behind or between, and with another label', () => {
    const odd = [
      ` ${PEM}`,
      `\n${PEM}`,
      `comment\n${PEM}`,
      `${PEM}\n`,
      `${PEM} `,
      `${PEM}${PEM}`,
      [HEADER, '', ...REST].join('\n'),
      [`${HEADER} `, ...REST].join('\n'),
      [HEADER, 'Proc-Type: 4,ENCRYPTED', ...REST].join('\n'),
      PEM.replace('\n', '\r\n'),
      PEM.replaceAll('PUBLIC KEY', 'RSA PUBLIC KEY'),
      PEM.replace('END PUBLIC', 'END PRIVATE'),
    ];
    for (const text of [...odd, '', '\n', HEADER]) expectRefusal(() => decode(text), 'file.pem');
  });

  it('is refused cut anywhere', () => {
    for (let length = 0; length < PEM.length; length++) expectRefusal(() => decode(PEM.slice(0, length)), 'file.pem');
  });

  it('never gives the same key for a text with one bit flipped', () => {
    const bytes = utf8(PEM);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      expect(
        unlessRefused(() => decodePublicPem(flipped(bytes, bit))),
        `bit ${bit}`,
      ).to.not.deep.equal(SPKI);
    }
  });
});
