import {
  equalBytes,
  PCR_COUNT,
  type PcrSelection,
  ProtocolError,
  parsePcrSelection,
  writePcrSelection,
} from '@mtm-attest/protocol';
import { AgentError } from '../../error.ts';

/**
 * Bits of banks that this platform lacks would be cleared silently by a TPM; here they are refused (F-15). As with a TPM, a bitmap has three
 * bytes, so that the quote shows the very bytes asked for.
 *
 * @throws AgentError `platform.selection`
 */
export function sha256Selection(bytes: Uint8Array): PcrSelection {
  const selection = parsed(bytes);
  const fits = selection.every(({ bank, pcrs }) => bank === 'sha256' && pcrs.every((pcr) => pcr < PCR_COUNT));
  if (!fits || !equalBytes(writePcrSelection(selection), bytes)) throw new AgentError('platform.selection');
  return selection;
}

function parsed(bytes: Uint8Array): PcrSelection {
  try {
    return parsePcrSelection(bytes);
  } catch (cause) {
    if (cause instanceof ProtocolError) throw new AgentError('platform.selection', undefined, { cause });
    throw cause;
  }
}
