import { expect } from 'chai';
import { type ClockReading, clockBreak, compareBootIdentity } from '../../src/quote/boot-identity.ts';

function reading(resetCount: number, restartCount: number, clock = 100n, safe = true): ClockReading {
  return { resetCount, restartCount, clock, safe };
}

describe('boot identities', () => {
  it('compare by resetCount, then restartCount (F-22)', () => {
    const ascending = [reading(1, 0), reading(1, 1), reading(2, 0), reading(2, 7), reading(2 ** 32 - 1, 0)];
    for (const [i, a] of ascending.entries()) {
      for (const [j, b] of ascending.entries()) expect(Math.sign(compareBootIdentity(a, b))).to.equal(Math.sign(i - j));
    }
  });
});

describe('clockBreak', () => {
  const accepted = reading(5, 3);

  it('is none while time goes on, in the same boot and in later ones', () => {
    for (const seen of [accepted, reading(5, 3, 101n), reading(5, 4), reading(6, 0), reading(6, 9)]) {
      expect(clockBreak(accepted, seen)).to.equal(undefined);
    }
  });

  it('is a lower resetCount, whatever else went on (F-20, F-23)', () => {
    expect(clockBreak(accepted, reading(4, 9, 999n))).to.equal('reset-count');
    expect(clockBreak(accepted, reading(0, 0, 0n))).to.equal('reset-count');
  });

  it('is a lower restartCount at an equal resetCount (F-22)', () => {
    expect(clockBreak(accepted, reading(5, 2, 999n))).to.equal('restart-count');
  });

  it('is a lower clock at an equal resetCount, where the clock is safe (F-25)', () => {
    expect(clockBreak(accepted, reading(5, 3, 99n))).to.equal('clock');
    expect(clockBreak(accepted, reading(5, 4, 99n)), 'after a restart').to.equal('clock');
    expect(clockBreak(accepted, reading(5, 4, 99n, false)), 'after a restart').to.equal(undefined);
    expect(clockBreak(accepted, reading(5, 3, 99n, false))).to.equal(undefined);
    expect(clockBreak(reading(5, 3, 100n, false), reading(5, 3, 99n))).to.equal('clock');
  });

  it('lets the clock lag after a reset, as after an unclean stop', () => {
    for (const safe of [false, true]) expect(clockBreak(accepted, reading(6, 0, 1n, safe))).to.equal(undefined);
  });
});
