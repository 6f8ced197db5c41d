import { expect } from 'chai';
import { importCorim } from '../../src/corim/import-corim.ts';
import { type PcrReference, pcrReferences } from '../../src/reference/pcr-reference.ts';
import {
  ENVIRONMENT,
  map,
  measurement,
  SHA256,
  SHA384,
  TPM_PROFILE,
  tagged,
  UUID,
  UUID_TEXT,
  withTriples,
  withValues,
} from '../corim/builder.ts';

const OTHER = new Uint8Array(32).fill(9);

function references(bytes: Uint8Array): readonly PcrReference[] {
  return pcrReferences(importCorim(bytes, { at: 0 }).corim, 'digest');
}

const hexes = (...values: readonly Uint8Array[]): ReadonlySet<string> =>
  new Set(values.map((value) => Buffer.from(value).toString('hex')));

describe('PCR values of a CoRIM', () => {
  it('are the digests of measurements whose key is a PCR, in the TPM profile; several are alternatives', () => {
    const values = [measurement(7, [1, SHA256], [7, SHA384]), measurement(0, [1, SHA256]), measurement(7, [1, OTHER])];
    expect(references(withTriples({ 0: [[ENVIRONMENT, values]] }, TPM_PROFILE))).to.deep.equal([
      { model: UUID_TEXT, pcr: 0, digests: new Map([['sha256', hexes(SHA256)]]), source: 'digest' },
      {
        model: UUID_TEXT,
        pcr: 7,
        digests: new Map([
          ['sha256', hexes(SHA256, OTHER)],
          ['sha384', hexes(SHA384)],
        ]),
        source: 'digest',
      },
    ]);
    expect(references(withTriples({ 0: [[ENVIRONMENT, values]] }))).to.deep.equal([]);
  });

  it('are the integrity registers 0 to 23, whatever the profile', () => {
    const registers = new Map<unknown, unknown>([
      [4, [[1, SHA256]]],
      [24, [[1, SHA256]]],
      ['rtmr0', [[1, SHA256]]],
    ]);
    const found = references(withValues({ 14: registers }));
    expect(found.map(({ pcr }) => pcr)).to.deep.equal([4]);
  });

  it('are of a bank: a digest that no bank has, or a shortened one, is none', () => {
    const values = [measurement(1, [2, new Uint8Array(16)], [10, OTHER]), measurement(2, [8, new Uint8Array(64)])];
    const found = references(withTriples({ 0: [[ENVIRONMENT, values]] }, TPM_PROFILE));
    expect(found.map(({ pcr, digests }) => [pcr, ...digests.keys()])).to.deep.equal([[2, 'sha512']]);
  });

  it('belong to one environment each, whatever its names look like', () => {
    const named = (vendor: string, model: string): unknown => [
      map({ 0: map({ 0: UUID, 1: vendor, 2: model }) }),
      [measurement(1, [1, SHA256])],
    ];
    const instance = [map({ 0: map({ 0: UUID }), 1: tagged(560, SHA256) }), [measurement(1, [1, SHA256])]];
    const found = references(
      withTriples({ 0: [named('a" model="b', 'c'), named('a', 'b" model="c'), instance] }, TPM_PROFILE),
    );
    expect(new Set(found.map(({ model }) => model)).size).to.equal(3);
  });
});
