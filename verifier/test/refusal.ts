import { type ProtocolCode, ProtocolError } from '@mtm-attest/protocol';
import { expect } from 'chai';

export function expectRefusal(action: () => unknown, code: ProtocolCode, offset?: number): void {
  let refusal: unknown;
  try {
    action();
  } catch (error) {
    refusal = error;
  }
  if (!(refusal instanceof ProtocolError)) expect.fail(`not refused with a code: ${String(refusal)}`);
  expect(refusal.code, refusal.message).to.equal(code);
  if (offset !== undefined) expect(refusal.offset).to.equal(offset);
}
