import { expect } from 'chai';
import { encodeCanonical, type MsgpackValue } from '../../src/msgpack/codec.ts';
import { checkStrict, MAX_DEPTH } from '../../src/msgpack/strict.ts';

/** Calls `action` at every depth down to the end of the stack, and counts where it got through. */
function deepestCallOf(action: () => unknown): number {
  let deepest = 0;
  const descend = (depth: number): void => {
    action();
    deepest = depth;
    descend(depth + 1);
  };
  try {
    descend(1);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return deepest;
}

describe('the stack that the strict walk takes', () => {
  it('is the same for one level and for every level that is allowed: nothing recurses on input (F-45)', () => {
    const flat = encodeCanonical([1]);
    const deep = encodeCanonical(Array.from({ length: MAX_DEPTH }).reduce<MsgpackValue>((inner) => [inner], 1));
    deepestCallOf(() => {
      checkStrict(deep);
    });
    const atFlat = deepestCallOf(() => {
      checkStrict(flat);
    });
    const atDeep = deepestCallOf(() => {
      checkStrict(deep);
    });
    expect(atFlat).to.be.above(500);
    expect(atDeep).to.be.above(0.95 * atFlat);
  });
});
