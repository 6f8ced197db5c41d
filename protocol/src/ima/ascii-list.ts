import { ProtocolError } from '../error.ts';
import type { HashName } from '../tpm/constants.ts';
import { type LineData, lineData, writeFields, writeHex, writeImaFields } from './ascii-fields.ts';
import {
  checkPcr,
  digestBytes,
  type ImaPosition,
  type ImaRead,
  type ImaVisitor,
  LIST_START,
  MAX_DATA_BYTES,
} from './entry.ts';
import { fieldForm, IMA_TEMPLATE, type ImaFieldForm, MAX_TEMPLATE_NAME_BYTES, templateFields } from './template.ts';

const NEWLINE = 0x0a;
const SPACE = 0x20;
const ZERO = 0x30;
/** `PCR digest name `: two digits and a space before the digest. */
const DIGEST_AT = 3;
/** Hexadecimal doubles the data; the rest of a line is short. */
const MAX_LINE_BYTES = 2 * MAX_DATA_BYTES + 1024;

/**
 * Reads whole lines of a list in the ASCII form (`ascii_runtime_measurements`). The template data is made anew from the fields, so that its
 * digest can be computed; that needs a known template. What is left behind the last newline is not read.
 *
 * A path that holds a newline cannot be told from two lines: such a list is read in its binary form.
 *
 * @param shown bank whose digests the list shows
 * @param start what of the list came before `bytes`
 * @throws ProtocolError `ima.malformed`, `ima.pcr`, `ima.template`, `ima.limit` with the offset from the start of the list
 * @see Linux, Documentation/security/IMA-templates.rst
 */
export function readImaAscii(
  bytes: Uint8Array,
  shown: HashName,
  visit: ImaVisitor,
  start: ImaPosition = LIST_START,
): ImaRead {
  const base = start.offset;
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  if (bytes.length - end > MAX_LINE_BYTES) throw new ProtocolError('ima.limit', base + end);
  const data = lineData(Math.min(end, MAX_LINE_BYTES));
  const digest: LineData = { bytes: new Uint8Array(digestBytes(shown)), length: 0 };
  let template = '';
  let forms: readonly ImaFieldForm[] = [];
  let at = 0;
  let index = start.index;
  while (at < end) {
    const pcr = checkPcr(readPcr(bytes, at, base), base + at);
    digest.length = 0;
    const nameAt = writeHex(bytes, at + DIGEST_AT, digest, base) + 1;
    if (digest.length !== digest.bytes.length || bytes[nameAt - 1] !== SPACE)
      throw new ProtocolError('ima.malformed', base + at + DIGEST_AT);
    const nameEnd = endOfName(bytes, nameAt, base);
    if (!isText(bytes, nameAt, nameEnd, template)) {
      template = String.fromCharCode(...bytes.subarray(nameAt, nameEnd));
      forms = knownForms(template, base + nameAt);
    }
    const next =
      template === IMA_TEMPLATE
        ? writeImaFields(bytes, nameEnd, data, base)
        : writeFields(bytes, nameEnd, forms, data, base);
    if (next - at > MAX_LINE_BYTES || data.length > MAX_DATA_BYTES) throw new ProtocolError('ima.limit', base + at);
    visit({
      index,
      offset: base + at,
      pcr,
      digest: digest.bytes,
      template,
      data: data.bytes.subarray(0, data.length),
    });
    index += 1;
    at = next + 1;
  }
  return { bytes: at, entries: index - start.index };
}

/** Two columns, the first of them blank below ten. */
function readPcr(bytes: Uint8Array, at: number, base: number): number {
  const tens = bytes[at] === SPACE ? 0 : (bytes[at] ?? 0) - ZERO;
  const ones = (bytes[at + 1] ?? 0) - ZERO;
  const blank = bytes[at] !== SPACE && tens === 0;
  const holds = tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 && !blank && bytes[at + 2] === SPACE;
  if (!holds) throw new ProtocolError('ima.malformed', base + at);
  return 10 * tens + ones;
}

/** A name ends where its space stands; a template has one field at least. */
function endOfName(bytes: Uint8Array, at: number, base: number): number {
  const last = at + MAX_TEMPLATE_NAME_BYTES + 1;
  let end = at;
  while (end < last && bytes[end] !== SPACE && bytes[end] !== NEWLINE) end += 1;
  if (bytes[end] !== SPACE || end === at) throw new ProtocolError('ima.malformed', base + at);
  return end;
}

function isText(bytes: Uint8Array, at: number, end: number, text: string): boolean {
  if (end - at !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

function knownForms(template: string, offset: number): readonly ImaFieldForm[] {
  const ids = templateFields(template);
  if (ids === undefined) throw new ProtocolError('ima.template', offset);
  return ids.map(fieldForm);
}
