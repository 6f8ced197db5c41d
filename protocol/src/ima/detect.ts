import { ProtocolError } from '../error.ts';
import { digestBytes, type ImaForm, SHOWN_BANKS } from './entry.ts';
import { MAX_TEMPLATE_NAME_BYTES, templateFields } from './template.ts';

const SPACE = 0x20;
const DIGEST_AT = 3;
const U32 = 4;

/**
 * Tells form and digest length of a list by its first entry. ASCII: the digest ends at a space. Binary: behind the digest stands the length
 * of a template's name, and that name; a list that begins with an unknown template counts as one that shows SHA-1.
 *
 * @param bytes the beginning of the list, 256 bytes at least or all of it
 * @throws ProtocolError `ima.malformed` where it is neither
 */
export function detectImaForm(bytes: Uint8Array): ImaForm {
  return isBinary(bytes) ? { form: 'binary', shown: binaryBank(bytes) } : { form: 'ascii', shown: asciiBank(bytes) };
}

/** A PCR below 24 as u32; in ASCII the first two columns are digits or a space. */
function isBinary(bytes: Uint8Array): boolean {
  return (bytes[0] ?? SPACE) < SPACE && bytes[1] === 0 && bytes[2] === 0 && bytes[3] === 0;
}

function asciiBank(bytes: Uint8Array): ImaForm['shown'] {
  const bank = SHOWN_BANKS.find((name) => bytes.indexOf(SPACE, DIGEST_AT) === DIGEST_AT + 2 * digestBytes(name));
  if (bank === undefined) throw new ProtocolError('ima.malformed', 0);
  return bank;
}

function binaryBank(bytes: Uint8Array): ImaForm['shown'] {
  return SHOWN_BANKS.find((name) => namesTemplate(bytes, U32 + digestBytes(name))) ?? 'sha1';
}

function namesTemplate(bytes: Uint8Array, at: number): boolean {
  if (at + U32 > bytes.length) return false;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
  const name = bytes.subarray(at + U32, at + U32 + Math.min(length, MAX_TEMPLATE_NAME_BYTES + 1));
  return name.length === length && templateFields(String.fromCharCode(...name)) !== undefined;
}
