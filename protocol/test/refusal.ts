import { expect } from 'chai';
import { type ProtocolCode, ProtocolError } from '../src/error.ts';

/** What `action` is refused with; fails where it is not refused, or by anything but a code. */
export function refusalOf(action: () => unknown): ProtocolError {
  try {
    action();
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  return expect.fail('nothing was refused');
}

export function expectRefusal(action: () => unknown, code: ProtocolCode, offset?: number): void {
  const refusal = refusalOf(action);
  expect(refusal.code, refusal.message).to.equal(code);
  if (offset !== undefined) expect(refusal.offset).to.equal(offset);
}

/** What `action` gives, or undefined where it is refused; anything else thrown is a defect. */
export function unlessRefused<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
