/** An unsigned integer of any length, most significant byte first; 0 for no bytes. */
export function integer(bigEndian: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bigEndian) value = (value << 8n) | BigInt(byte);
  return value;
}
