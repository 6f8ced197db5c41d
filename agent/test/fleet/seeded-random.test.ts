import { expect } from 'chai';
import fc from 'fast-check';
import { SeededRandom } from '../../src/fleet/seeded-random.ts';

const SEED = 20261125;

function numbers(seed: string, label: string): readonly number[] {
  const random = new SeededRandom(seed, label);
  return Array.from({ length: 8 }, () => random.u32());
}

describe('choices of a simulation', () => {
  it('are the same for the same seed and terminal', () => {
    expect(numbers('1', 'honest-01')).to.deep.equal(numbers('1', 'honest-01'));
  });

  it('differ between terminals and between seeds, and no seed runs into a label', () => {
    const sequences = [numbers('1', 'a'), numbers('1', 'b'), numbers('2', 'a'), numbers('1a', ''), numbers('', '1a')];
    expect(new Set(sequences.map(String)).size).to.equal(sequences.length);
  });

  it('stay within what was asked for, ends included', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(1000), fc.nat(1000), (label, least, more) => {
        const value = new SeededRandom('s', label).between(least, least + more);
        expect(value).to.be.within(least, least + more);
      }),
      { seed: SEED },
    );
    const random = new SeededRandom('s', 'ends');
    const seen = new Set(Array.from({ length: 64 }, () => random.below(3)));
    expect([...seen].sort()).to.deep.equal([0, 1, 2]);
  });

  it('cannot be made from nothing', () => {
    expect(() => new SeededRandom('s', 'l').pick([])).to.throw(RangeError);
  });
});
