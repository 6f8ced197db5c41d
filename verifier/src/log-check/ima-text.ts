import {
  type ExaminedEntry,
  type ImaEntry,
  type ImaFinding,
  imaFields,
  shownPath,
  shownText,
  toHex,
} from '@mtm-attest/protocol';

const MAX_SHOWN_BYTES = 64;

/** One entry in words. Paths and buffers are the terminal's: shown with escapes (F-95). */
export function imaEntryText(entry: ImaEntry, finding: ImaFinding, { file, signer }: ExaminedEntry): string {
  if (file === undefined) return `${shownText(entry.template)}, ${bytesText(entry.data)}`;
  const { type, algorithm, digest } = file.digest;
  const what =
    finding === 'violation' ? 'VIOLATION' : `${type === undefined ? '' : `${type}:`}${algorithm}:${toHex(digest)}`;
  const remarks = [
    ...(finding === 'mismatch' ? ['another template digest is shown'] : []),
    ...(signer === undefined || signer.status === 'unsigned' ? [] : [signerText(signer)]),
  ];
  const end = remarks.length === 0 ? '' : ` [${remarks.join('; ')}]`;
  return `${shownText(entry.template)}, ${what} ${shownPath(file)}${bufferText(entry)}${end}`;
}

function signerText(signer: Exclude<ExaminedEntry['signer'], undefined | { readonly status: 'unsigned' }>): string {
  const key = signer.keyId === undefined ? '' : ` ${signer.keyId.toString(16).padStart(8, '0')}`;
  switch (signer.status) {
    case 'signed':
      return `signed by key${key}`;
    case 'unknown-key':
      return `signed by unknown key${key}`;
    case 'bad':
      return `bad signature: ${signer.reason}${key}`;
  }
}

/** What was measured that is no file: a command line, a key. */
function bufferText(entry: ImaEntry): string {
  const buffer = entry.template === 'ima-buf' ? imaFields(entry)?.find(({ id }) => id === 'buf') : undefined;
  if (buffer === undefined) return '';
  const isText = buffer.bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  return `: ${isText ? shownText(String.fromCharCode(...buffer.bytes.subarray(0, 2048))) : bytesText(buffer.bytes)}`;
}

function bytesText(bytes: Uint8Array): string {
  const hex = toHex(bytes.subarray(0, MAX_SHOWN_BYTES));
  return bytes.length <= MAX_SHOWN_BYTES ? hex : `${hex}... (${bytes.length} bytes)`;
}
