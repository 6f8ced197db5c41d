import { EventData } from './event-data.ts';

/** EFI_SIGNATURE_LIST.SignatureType (UEFI 2.10, 32.4.1), for people. */
const TYPES: Readonly<Record<string, string>> = {
  'a5c059a1-94e4-4aa7-87b5-ab155c2bf072': 'X.509 certificate',
  'c1c41626-504c-4092-aca9-41f936934328': 'SHA-256 digest',
  'ff3e5307-9fd0-48c9-85f1-8ad56c701e01': 'SHA-384 digest',
  '093e0fae-a6c4-4f50-9f1b-d41e2b89c19a': 'SHA-512 digest',
  '826ca512-cf10-4ac9-b187-be01496631bd': 'SHA-1 digest',
  '3c5766e8-269c-4e34-aa14-ed776e85b3b6': 'RSA-2048 key',
  '3bd2a492-96c0-4079-b420-fcf98ef103ed': 'X.509 SHA-256 digest',
  '7076876e-80c2-4ee6-aad2-28b349a6865b': 'X.509 SHA-384 digest',
  '446dbf63-2502-4cda-bcfa-2465d2b0fe9d': 'X.509 SHA-512 digest',
};

const HEADER_BYTES = 28;

/**
 * What a key or signature database holds, in words: how many of each kind.
 * @throws ProtocolError `tcg-log.event-data` where the lists do not fill the bytes exactly
 */
export function signatureListsText(bytes: Uint8Array): string {
  const data = new EventData(bytes);
  const counts = new Map<string, number>();
  while (data.remaining > 0) {
    const type = data.guid();
    const [listBytes, headerBytes, signatureBytes] = [data.u32(), data.u32(), data.u32()];
    const signatures = listBytes - HEADER_BYTES - headerBytes;
    if (signatures < 0 || signatureBytes === 0 || signatures % signatureBytes !== 0) data.refuse();
    data.bytes(headerBytes);
    data.bytes(signatures);
    const kind = TYPES[type] ?? `signature of type ${type}`;
    counts.set(kind, (counts.get(kind) ?? 0) + signatures / signatureBytes);
  }
  const texts = Array.from(counts, ([kind, count]) => `${count} ${kind}${count === 1 ? '' : 's'}`);
  return texts.length === 0 ? 'empty' : texts.join(', ');
}
