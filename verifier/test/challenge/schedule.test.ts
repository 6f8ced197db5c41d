import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { nextAuditDelay } from '../../src/challenge/schedule.ts';

const INTERVAL_MS = 1_000_000;
const MOST = 2 ** 48 - 1;

/** 48 bits that follow from a number, so that every run draws the same. */
function draw(number: number): number {
  return createHash('sha256').update(`draw ${number}`).digest().readUIntBE(0, 6);
}

describe('nextAuditDelay', () => {
  it('is cut at three intervals, where u is next to nothing', () => {
    expect(nextAuditDelay(INTERVAL_MS, 0)).to.equal(3 * INTERVAL_MS);
    expect(nextAuditDelay(INTERVAL_MS, 1000)).to.equal(3 * INTERVAL_MS);
  });

  it('is nothing where u is one: no moment after an audit is safe (F-06)', () => {
    expect(nextAuditDelay(INTERVAL_MS, MOST)).to.equal(0);
  });

  it('is finite and within its bounds for every number that may be drawn', () => {
    for (const number of [0, 1, 2, 2 ** 24, 2 ** 47, MOST - 1, MOST]) {
      const delay = nextAuditDelay(INTERVAL_MS, number);
      expect(delay).to.be.within(0, 3 * INTERVAL_MS);
      expect(Number.isInteger(delay)).to.equal(true);
    }
  });

  it('falls as its number rises', () => {
    let before = Number.POSITIVE_INFINITY;
    for (let i = 0; i <= 64; i++) {
      const delay = nextAuditDelay(INTERVAL_MS, Math.round((MOST * i) / 64));
      expect(delay).to.be.at.most(before);
      before = delay;
    }
  });

  it('is exponential: mean, median and tail are those of the cut distribution', () => {
    const delays = Array.from({ length: 20_000 }, (_, i) => nextAuditDelay(INTERVAL_MS, draw(i)) / INTERVAL_MS);
    delays.sort((a, b) => a - b);
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    expect(mean).to.be.closeTo(1 - Math.exp(-3), 0.02);
    expect(delays[delays.length / 2]).to.be.closeTo(Math.LN2, 0.03);
    expect(delays.filter((delay) => delay === 3).length / delays.length).to.be.closeTo(Math.exp(-3), 0.01);
    expect(delays.filter((delay) => delay < 0.1).length / delays.length).to.be.closeTo(1 - Math.exp(-0.1), 0.02);
  });

  it('has no memory: having waited does not tell how long it still takes (F-06)', () => {
    const delays = Array.from({ length: 20_000 }, (_, i) => nextAuditDelay(INTERVAL_MS, draw(i)) / INTERVAL_MS);
    const within = (waited: number): number => {
      const left = delays.filter((delay) => delay >= waited);
      return left.filter((delay) => delay < waited + 0.5).length / left.length;
    };
    for (const waited of [0, 0.5, 1, 2]) expect(within(waited)).to.be.closeTo(1 - Math.exp(-0.5), 0.03);
  });
});
