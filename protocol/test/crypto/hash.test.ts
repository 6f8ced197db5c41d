import { expect } from 'chai';
import fc from 'fast-check';
import { toHex, utf8 } from '../../src/bytes/text.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { HASHES, type HashName } from '../../src/tpm/constants.ts';
import { SUITES } from './suites.ts';

const SEED = 20_811;

/** FIPS 180-4 examples: the digest of "abc". */
const ABC: Readonly<Record<HashName, string>> = {
  sha1: 'a9993e364706816aba3e25717850c26c9cd0d89d',
  sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  sha384: 'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7',
  sha512:
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd' +
    '454d4423643ce80e2a9ac94fa54ca49f',
};

const NAMES = Object.keys(HASHES) as HashName[];

describe('hashes', () => {
  for (const suite of SUITES) {
    it(`of ${suite.name} give the digests of the standard`, () => {
      for (const name of NAMES) expect(toHex(suite[name](utf8('abc')))).to.equal(ABC[name]);
    });

    it(`of ${suite.name} take views and Buffers as they are, and give plain Uint8Arrays`, () => {
      const around = utf8('xabcx');
      expect(toHex(suite.sha256(around.subarray(1, 4)))).to.equal(ABC.sha256);
      const digest = suite.sha256(Buffer.from(around).subarray(1, 4));
      expect(toHex(digest)).to.equal(ABC.sha256);
      expect(Object.getPrototypeOf(digest)).to.equal(Uint8Array.prototype);
    });
  }

  it('of both suites are equal on every input, text-like bytes and others (F-65)', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...NAMES), (bytes, name) => {
      expect(toHex(nodeCrypto[name](bytes))).to.equal(toHex(nobleCrypto[name](bytes)));
    });
    fc.assert(property, { seed: SEED, numRuns: 400 });
  });
});
