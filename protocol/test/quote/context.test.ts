import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { toHex } from '../../src/bytes/text.ts';
import { PURPOSES, type Purpose, type QuoteContext, qualifyingData } from '../../src/quote/context.ts';
import { SUITES } from '../crypto/suites.ts';

const SEED = 20_831;

const CONTEXT: QuoteContext = {
  purpose: 'gate',
  challengeDigest: new Uint8Array(32).fill(1),
  binding: { type: 'tls-exporter', value: new Uint8Array(32).fill(2) },
  audience: 'operator-a',
  terminal: 'meter-1',
  compartment: 'mrtm',
  ownershipEpoch: 3n,
  akName: new Uint8Array(34).fill(4),
  claimsDigest: new Uint8Array(32).fill(5),
};

const [node] = SUITES;

function data(change: Partial<QuoteContext> = {}): string {
  return toHex(qualifyingData({ ...CONTEXT, ...change }, node?.sha256 ?? expect.fail('no suite')));
}

/** SPEC.md 5.1 once more, in other words. */
function expected(keyToBind?: Uint8Array): string {
  const length = (bytes: Buffer): Buffer => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(bytes.length);
    return Buffer.concat([size, bytes]);
  };
  const parts = [
    Buffer.from('mtm-attest/v1\0'),
    Buffer.from([0, 2]),
    length(Buffer.alloc(32, 1)),
    length(Buffer.from('tls-exporter')),
    length(Buffer.alloc(32, 2)),
    length(Buffer.from('operator-a')),
    length(Buffer.from('meter-1')),
    length(Buffer.from('mrtm')),
    Buffer.from([0, 0, 0, 0, 0, 0, 0, 3]),
    length(Buffer.alloc(34, 4)),
    length(Buffer.alloc(32, 5)),
    length(keyToBind === undefined ? Buffer.alloc(0) : createHash('sha256').update(keyToBind).digest()),
  ];
  return createHash('sha256').update(Buffer.concat(parts)).digest('hex');
}

describe('qualifyingData', () => {
  it('is the hash of the label and all fields, each with its length (F-67)', () => {
    expect(data()).to.equal(expected());
    const key = new Uint8Array(91).fill(6);
    expect(data({ keyToBind: key })).to.equal(expected(key));
  });

  it('has the purposes of the protocol, none of which stands for another (F-05)', () => {
    expect(PURPOSES).to.deep.equal({ enrol: 1, gate: 2, runtime: 3, receipt: 4, transfer: 5, tamper: 6, inspect: 7 });
    const all = (Object.keys(PURPOSES) as Purpose[]).map((purpose) => data({ purpose }));
    expect(new Set(all).size).to.equal(7);
  });

  it('changes with every field (F-03, F-05, F-82)', () => {
    const other = new Uint8Array(32).fill(9);
    const changes: readonly Partial<QuoteContext>[] = [
      { challengeDigest: other },
      { binding: { type: 'tls-server-end-point', value: CONTEXT.binding.value } },
      { binding: { type: 'tls-exporter', value: other } },
      { binding: { type: 'none', value: new Uint8Array() } },
      { audience: 'operator-b' },
      { terminal: 'meter-2' },
      { compartment: 'mltm' },
      { ownershipEpoch: 4n },
      { akName: new Uint8Array(34) },
      { claimsDigest: other },
      { keyToBind: new Uint8Array() },
      { keyToBind: other },
    ];
    expect(new Set([data(), ...changes.map(data)]).size).to.equal(changes.length + 1);
  });

  it('differs wherever bytes move from one field to the next (F-67)', () => {
    const text = fc.string({ unit: 'grapheme-ascii', maxLength: 6 });
    const property = fc.property(text, text, text, text, (audience, terminal, otherAudience, otherTerminal) => {
      const same = audience === otherAudience && terminal === otherTerminal;
      const equal = data({ audience, terminal }) === data({ audience: otherAudience, terminal: otherTerminal });
      expect(equal).to.equal(same);
    });
    fc.assert(property, { seed: SEED, numRuns: 300 });
    expect(data({ audience: 'ab', terminal: 'c' })).to.not.equal(data({ audience: 'a', terminal: 'bc' }));
  });

  it('is the same with every suite', () => {
    expect(new Set(SUITES.map(({ sha256 }) => toHex(qualifyingData(CONTEXT, sha256)))).size).to.equal(1);
  });
});
