import { createHash } from 'node:crypto';
import { sha256 } from '@noble/hashes/sha2.js';
import { expect } from 'chai';
import { fromHex, toHex, utf8 } from '../../src/bytes/text.ts';
import { activationProof } from '../../src/message/activation.ts';

const SECRET = fromHex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');

describe('the activation proof', () => {
  it('is a hash of the secret under a label of its own: neither the secret nor the hash of anything else (F-11, F-67)', () => {
    const expected = createHash('sha256').update(utf8('mtm-attest/v1 activation\0')).update(SECRET).digest('hex');
    expect(expected).to.equal('3c0f65e5c1080ccfba14b9f9575db118d1d23c5a6e815ffe6fa0e1995b588646');
    expect(toHex(activationProof(SECRET, sha256))).to.equal(expected);
  });
});
