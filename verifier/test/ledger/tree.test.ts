import { expect } from 'chai';
import { isLeafOf, leafHash } from '../../src/ledger/tree.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('leaf hashes', () => {
  it('are those of RFC 9162, 2.1.1', () => {
    expect(hex(leafHash(new Uint8Array(0)))).to.equal(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    );
    expect(hex(leafHash(new Uint8Array([0])))).to.equal(
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    );
    expect(hex(leafHash(new Uint8Array([0x10])))).to.equal(
      '0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7',
    );
  });

  it('belong to their data alone', () => {
    const data = new Uint8Array([1, 2, 3]);
    expect(isLeafOf(leafHash(data), data)).to.equal(true);
    expect(isLeafOf(leafHash(data), new Uint8Array([1, 2]))).to.equal(false);
    expect(isLeafOf(leafHash(data).subarray(1), data)).to.equal(false);
  });
});
