import { toHex } from '@mtm-attest/protocol';

/** How look-ups name an event of a firmware log: with its digest, or, where any will do, without. */
export function firmwareKey(pcr: number, type: number, digest: Uint8Array | undefined): string {
  return `${pcr} ${type} ${digest === undefined ? '' : toHex(digest)}`;
}
