/** Length of a challenge's name in bytes. */
export const CHALLENGE_ID_BYTES = 8;

/** How messages name a challenge (SPEC.md 6). @param digest SHA-256 of the challenge as sent @returns its first 8 bytes, a copy */
export function challengeId(digest: Uint8Array): Uint8Array {
  return digest.slice(0, CHALLENGE_ID_BYTES);
}
