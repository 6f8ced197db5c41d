import {
  EVENT_PCRS,
  equalBytes,
  IMA_PCR,
  PCR_BYTES,
  PCR_COUNT,
  ProtocolError,
  resetPcrs,
  TcgLogFold,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { AgentError } from '../error.ts';
import type { PlatformLogs } from '../measurement/platform-logs.ts';

/** Where our own log begins in a boot. */
export interface BootStart {
  /** 24 values of the SHA-256 bank, 768 bytes */
  readonly pcrs: Uint8Array;
  /** PCRs that nobody but our own log extends from there on */
  readonly own: readonly number[];
}

const ALL_PCRS: readonly number[] = Array.from({ length: PCR_COUNT }, (_, pcr) => pcr);

/** Of a machine on which nothing else measures. */
export const AT_RESET: BootStart = { pcrs: resetPcrs(), own: ALL_PCRS };

/**
 * Where the firmware's log ends; at the reset values without one. On a machine that measures, the operating system goes on extending PCRs of
 * its own, and its kernel PCR 10 (SPEC.md 4.5).
 *
 * @throws AgentError `platform.log`, `file.unreadable`
 */
export async function bootStart({ firmware, ima }: PlatformLogs): Promise<BootStart> {
  const own = (pcrs: readonly number[]): readonly number[] =>
    ima === undefined ? pcrs : pcrs.filter((pcr) => pcr !== IMA_PCR);
  if (firmware === undefined) return { pcrs: AT_RESET.pcrs, own: own(ALL_PCRS) };
  return { pcrs: await replayed(firmware()), own: own(EVENT_PCRS) };
}

/** Whether the PCRs stand where `wanted` says, as far as they are our own. */
export function isAt({ own }: BootStart, pcrs: Uint8Array, wanted: Uint8Array): boolean {
  return own.every((pcr) => {
    const [from, to] = [pcr * PCR_BYTES, (pcr + 1) * PCR_BYTES];
    return equalBytes(pcrs.subarray(from, to), wanted.subarray(from, to));
  });
}

async function replayed(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const fold = new TcgLogFold(nodeCrypto);
  try {
    for await (const piece of pieces) fold.feed(piece);
    const pcrs = resetPcrs();
    for (const [pcr, value] of fold.end().pcrs.sha256.entries()) {
      if (value === undefined) throw new AgentError('platform.log', `PCR ${pcr} has no SHA-256 digests`);
      pcrs.set(value, pcr * PCR_BYTES);
    }
    return pcrs;
  } catch (cause) {
    if (cause instanceof ProtocolError) throw new AgentError('platform.log', cause.message, { cause });
    throw cause;
  }
}
