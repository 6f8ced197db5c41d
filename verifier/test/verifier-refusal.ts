import { expect } from 'chai';
import { type VerifierCode, VerifierError } from '../src/error.ts';

/** The work must be refused with the code; where a path is given, the detail must begin with it. */
export async function expectVerifierRefusal(work: () => unknown, code: VerifierCode, path?: string): Promise<void> {
  const refusal = await refusalOf(work);
  expect(refusal.code, refusal.message).to.equal(code);
  if (path !== undefined) expect(refusal.detail?.split(': ', 1)[0], refusal.message).to.equal(path);
}

async function refusalOf(work: () => unknown): Promise<VerifierError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof VerifierError) return error;
    return expect.fail(`not refused with a code: ${String(error)}`);
  }
  return expect.fail('not refused');
}
