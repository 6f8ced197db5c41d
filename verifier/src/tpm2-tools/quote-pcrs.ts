import { type HashFunction, type PcrFile, type PcrSelection, pcrDigest, selectionText } from '@mtm-attest/protocol';

/** Longer than the digest of any quote, so it equals none: stands for values that are not those of the selection. */
const NO_DIGEST = new Uint8Array(0x10000);

/** The digest that the values of a PCR file give for a selection, or one that no quote has. */
export function fileDigest(file: PcrFile, selection: PcrSelection, hash: HashFunction): Uint8Array {
  return pcrFileFault(file, selection) === undefined ? pcrDigest(selection, file.values, hash) : NO_DIGEST;
}

/**
 * Why the values of a PCR file are not those of a selection: a serialized file says itself what it holds, and must hold just that; JSON may
 * hold more.
 */
export function pcrFileFault({ selection: held, values }: PcrFile, wanted: PcrSelection): string | undefined {
  if (held !== undefined && selectionText(held) !== selectionText(wanted)) {
    return `the file holds ${selectionText(held)}, not ${selectionText(wanted)}`;
  }
  for (const { bank, pcrs } of wanted) {
    const missing = pcrs.find((pcr) => values[bank]?.has(pcr) !== true);
    if (missing !== undefined) return `the file has no value of ${bank}:${missing}`;
  }
  return undefined;
}
