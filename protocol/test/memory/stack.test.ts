import { expect } from 'chai';
import type { ProtocolCode } from '../../src/error.ts';
import { encodeCanonical, type MsgpackValue } from '../../src/msgpack/codec.ts';
import { checkStrict, MAX_DEPTH } from '../../src/msgpack/strict.ts';
import { unlessRefused } from '../refusal.ts';
import { DECLARING } from './vectors.ts';

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

  it('does not grow with the depth that is refused (F-45)', () => {
    const codes: ProtocolCode[] = [];
    for (const [, input] of DECLARING) {
      const refused = unlessRefused(() => {
        checkStrict(input);
        return true;
      });
      if (refused === undefined) codes.push('msgpack.length');
    }
    expect(codes).to.have.length(DECLARING.length);
  });
});
