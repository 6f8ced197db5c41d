import { ProtocolError } from '@mtm-attest/protocol';
import { AgentError } from '../error.ts';

/**
 * What a TPM answered is bad input like any other; here it is the TPM's fault.
 * @throws AgentError `tpm.response` in the place of a ProtocolError
 */
export async function judged<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (cause) {
    if (cause instanceof ProtocolError) throw new AgentError('tpm.response', cause.message, { cause });
    throw cause;
  }
}
