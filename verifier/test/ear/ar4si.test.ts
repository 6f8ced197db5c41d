import { expect } from 'chai';
import { claimsMoreThan, type Tier, tierOf, tierOfVector, worstTier } from '../../src/ear/ar4si.ts';

describe('AR4SI tiers', () => {
  const bounds: readonly (readonly [number, Tier])[] = [
    [-128, 'contraindicated'],
    [-97, 'contraindicated'],
    [-96, 'warning'],
    [-33, 'warning'],
    [-32, 'affirming'],
    [-2, 'affirming'],
    [-1, 'none'],
    [0, 'none'],
    [1, 'none'],
    [2, 'affirming'],
    [31, 'affirming'],
    [32, 'warning'],
    [95, 'warning'],
    [96, 'contraindicated'],
    [127, 'contraindicated'],
  ];
  for (const [value, tier] of bounds) {
    it(`${value} is ${tier}`, () => {
      expect(tierOf(value)).to.equal(tier);
    });
  }

  it('combine to the worst', () => {
    expect(worstTier([])).to.equal('none');
    expect(worstTier(['affirming', 'contraindicated', 'none', 'warning'])).to.equal('contraindicated');
    expect(tierOfVector({ hardware: 2, executables: 33 })).to.equal('warning');
    expect(tierOfVector({})).to.equal('none');
  });

  it('a better status than the bound claims more', () => {
    expect(claimsMoreThan('affirming', 'warning')).to.equal(true);
    expect(claimsMoreThan('none', 'contraindicated')).to.equal(true);
    expect(claimsMoreThan('warning', 'warning')).to.equal(false);
    expect(claimsMoreThan('contraindicated', 'affirming')).to.equal(false);
  });
});
