import { ProtocolError } from '../error.ts';
import type { ImaEntry } from './entry.ts';
import { IMA_TEMPLATE, type ImaFieldId, templateFields } from './template.ts';

const U32 = 4;
const IMA_DIGEST_BYTES = 20;
const COLON = 0x3a;

/** One field of an entry, as it stands in the template data. */
export interface ImaField {
  readonly id: ImaFieldId;
  /** a view on the entry's data */
  readonly bytes: Uint8Array;
}

/** Digest of a file as an entry names it. */
export interface FileDigest {
  /** `ima`, or `verity` for the digest of fsverity; absent in templates that know no other than `ima` */
  readonly type: string | undefined;
  /** the kernel's name of the hash, as in `sha256` */
  readonly algorithm: string;
  readonly digest: Uint8Array;
}

/** What most entries say: a file, or a buffer, and its digest. Byte strings are views on the entry's data. */
export interface FileMeasurement {
  /** bytes that the measured side chose: never a pattern, shown with escapes only (F-95) */
  readonly path: Uint8Array;
  readonly digest: FileDigest;
  /** field `sig`, empty where the file has none; absent in templates without it */
  readonly signature: Uint8Array | undefined;
}

/**
 * The fields of an entry.
 * @returns undefined for an unknown template
 * @throws ProtocolError `ima.malformed`, with an offset in the entry's data, where the fields do not fill the data
 */
export function imaFields({ template, data }: Pick<ImaEntry, 'template' | 'data'>): readonly ImaField[] | undefined {
  if (template === IMA_TEMPLATE) {
    if (data.length < IMA_DIGEST_BYTES) throw new ProtocolError('ima.malformed', 0);
    return [
      { id: 'd', bytes: data.subarray(0, IMA_DIGEST_BYTES) },
      { id: 'n', bytes: data.subarray(IMA_DIGEST_BYTES) },
    ];
  }
  const ids = templateFields(template);
  if (ids === undefined) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  let at = 0;
  const fields = ids.map((id): ImaField => {
    const length = at + U32 <= data.length ? view.getUint32(at, true) : data.length;
    const from = at + U32;
    if (length > data.length - from) throw new ProtocolError('ima.malformed', at);
    at = from + length;
    return { id, bytes: data.subarray(from, at) };
  });
  if (at !== data.length) throw new ProtocolError('ima.malformed', at);
  return fields;
}

/**
 * Path, digest and signature of an entry.
 * @returns undefined for an unknown template, or one without a digest and a name
 * @throws ProtocolError `ima.malformed`, with an offset in the entry's data
 */
export function fileMeasurement(entry: Pick<ImaEntry, 'template' | 'data'>): FileMeasurement | undefined {
  const fields = imaFields(entry);
  const digest = fields?.find(({ id }) => id === 'd' || id === 'd-ng' || id === 'd-ngv2');
  const name = fields?.find(({ id }) => id === 'n' || id === 'n-ng');
  if (digest === undefined || name === undefined) return undefined;
  return {
    path: entry.template === IMA_TEMPLATE ? name.bytes : withoutNul(name.bytes),
    digest: digest.id === 'd' ? bareDigest(digest.bytes) : namedDigest(digest.bytes),
    signature: fields?.find(({ id }) => id === 'sig')?.bytes,
  };
}

function withoutNul(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0 || bytes.indexOf(0) !== bytes.length - 1) throw new ProtocolError('ima.malformed', 0);
  return bytes.subarray(0, -1);
}

/** SHA-1, or MD5 in the first 16 bytes, which nothing tells apart. */
function bareDigest(digest: Uint8Array): FileDigest {
  return { type: undefined, algorithm: 'sha1', digest };
}

/** `algorithm:` or `type:algorithm:`, a NUL, the digest. */
function namedDigest(bytes: Uint8Array): FileDigest {
  const nul = bytes.indexOf(0);
  if (nul < 2 || bytes[nul - 1] !== COLON) throw new ProtocolError('ima.malformed', 0);
  const head = String.fromCharCode(...bytes.subarray(0, Math.min(nul - 1, 128)));
  const [first = '', second, ...rest] = head.split(':');
  if (rest.length > 0 || !isName(first) || (second !== undefined && !isName(second)))
    throw new ProtocolError('ima.malformed', 0);
  const digest = bytes.subarray(nul + 1);
  return second === undefined
    ? { type: undefined, algorithm: first, digest }
    : { type: first, algorithm: second, digest };
}

/** Letters, digits and hyphens, as the kernel's names of hashes. */
function isName(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,63}$/.test(text);
}
