import { expect } from 'chai';
import fc from 'fast-check';
import { backOffDelay } from '../../src/session/back-off.ts';

const SEED = 20261125;
const BACK_OFF = { firstMs: 100, mostMs: 5000 };

describe('back-off between connections', () => {
  it('doubles its range with each failure up to the longest wait, and never exceeds it', () => {
    const most = [0, 1, 2, 5, 6, 1000].map((failures) => backOffDelay(BACK_OFF, failures, 2 ** 32 - 1));
    expect(most).to.deep.equal([100, 200, 400, 3200, 5000, 5000]);
  });

  it('is spread over the whole range, so that a fleet does not come back in one moment', () => {
    expect(backOffDelay(BACK_OFF, 3, 0)).to.equal(0);
    expect(backOffDelay(BACK_OFF, 3, 2 ** 31)).to.equal(400);
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(2 ** 32 - 1), (failures, random) => {
        expect(backOffDelay(BACK_OFF, failures, random)).to.be.within(0, BACK_OFF.mostMs);
      }),
      { seed: SEED },
    );
  });
});
