import { expect } from 'chai';
import { type AgentCode, AgentError } from '../src/error.ts';

/** What `action` is refused with; fails where it is not refused, or by anything but a code. */
export async function refusalOf(action: () => unknown): Promise<AgentError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  return expect.fail('nothing was refused');
}

export async function expectRefusal(action: () => unknown, ...codes: readonly AgentCode[]): Promise<void> {
  const refusal = await refusalOf(action);
  expect(codes, refusal.message).to.include(refusal.code);
}
