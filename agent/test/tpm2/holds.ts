/** Whether `needle` stands anywhere in `bytes`. */
export function holds(bytes: Uint8Array, needle: Uint8Array): boolean {
  return Buffer.from(bytes).includes(Buffer.from(needle));
}
