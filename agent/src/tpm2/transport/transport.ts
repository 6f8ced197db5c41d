/** The way to one TPM. One command at a time: whoever uses it waits for the response, or gives it up. */
export interface Transport {
  /**
   * @param command whole, with its header
   * @returns the response, whole: as long as its header says
   * @throws AgentError `tpm.unreachable`, `tpm.timeout`, `tpm.response`; afterwards the transport is dead, since a late response must not be
   * taken for that of a later command
   */
  exchange(command: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Longer responses than this are nobody's: TPMs have buffers of 4096 bytes. */
export const MAX_RESPONSE_BYTES = 8192;
export const HEADER_BYTES = 10;
