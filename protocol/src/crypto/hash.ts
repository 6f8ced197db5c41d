/** A hash over one input. Passed in, so that pure code runs on any implementation. */
export type HashFunction = (bytes: Uint8Array) => Uint8Array;
