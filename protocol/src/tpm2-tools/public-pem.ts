import { fromBase64, toBase64 } from '../bytes/base64.ts';
import { ProtocolError } from '../error.ts';

const HEADER = '-----BEGIN PUBLIC KEY-----';
const FOOTER = '-----END PUBLIC KEY-----';
const LINE_LENGTH = 64;

/** A SubjectPublicKeyInfo as text (RFC 7468, 13), as `tpm2_readpublic -f pem` writes it. */
export function encodePublicPem(spki: Uint8Array): string {
  const base64 = toBase64(spki);
  const lines = [HEADER];
  for (let at = 0; at < base64.length; at += LINE_LENGTH) lines.push(base64.slice(at, at + LINE_LENGTH));
  return `${[...lines, FOOTER].join('\n')}\n`;
}

/**
 * The one public key of a PEM file. Only the lengths of the lines are free, and whether they end in CR LF: nothing stands before or behind
 * the key, its base64 has one form, and the last line ends too.
 *
 * @param bytes the file
 * @returns SubjectPublicKeyInfo (DER)
 * @throws ProtocolError `file.pem`
 */
export function decodePublicPem(bytes: Uint8Array): Uint8Array {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  const lines = text.split(text.includes('\r\n') ? '\r\n' : '\n');
  const [header, footer, end] = [lines.shift(), lines.at(-2), lines.at(-1)];
  const body = lines.slice(0, -2);
  const spki = fromBase64(body.join(''));
  if (header !== HEADER || footer !== FOOTER || end !== '' || body.includes('') || spki === undefined) {
    throw new ProtocolError('file.pem');
  }
  return spki;
}
