import {
  BOOT_AGGREGATE,
  decodeUtf8,
  fileMeasurement,
  type ImaEntry,
  type ImaFinding,
  type ImaRule,
  ProtocolError,
  replayImaList,
  shownPath,
  toHex,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';

export interface GoldenFile {
  readonly path: string;
  /** hexadecimal, ascending */
  readonly digests: readonly string[];
}

export interface GoldenList {
  /** ascending by path */
  readonly files: readonly GoldenFile[];
  /** entries that no release can list, in words */
  readonly notListed: readonly string[];
}

/** SHA-256, SHA-384 and SHA-512 (SPEC.md 8.4). */
const DIGEST_BYTES = [32, 48, 64];

/**
 * The files of a golden IMA list by path. The boot aggregate is no file: it follows from the firmware.
 * @throws ProtocolError `ima.*`
 */
export function goldenList(bytes: Uint8Array, rule: ImaRule): GoldenList {
  const files = new Map<string, Set<string>>();
  const notListed: string[] = [];
  replayImaList(bytes, nodeCrypto, { banks: ['sha256'], rule }, (entry, finding) => {
    const read = fileOf(entry, finding);
    if (typeof read === 'string') notListed.push(`entry ${entry.index}: ${read}`);
    else if (entry.index > 0 || read.path !== BOOT_AGGREGATE)
      files.set(read.path, (files.get(read.path) ?? new Set<string>()).add(read.digest));
  });
  const listed = [...files].map(([path, digests]) => ({ path, digests: [...digests].sort() }));
  return { files: listed.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))), notListed };
}

/** @returns path and digest, or why there is none to list */
function fileOf(entry: ImaEntry, finding: ImaFinding): { readonly path: string; readonly digest: string } | string {
  if (finding === 'mismatch') return 'shows another template digest than its data have';
  try {
    const file = fileMeasurement(entry);
    if (file === undefined) return 'its template says no path and digest';
    if (finding === 'violation') return `${shownPath(file)} is a violation`;
    const { algorithm, digest } = file.digest;
    const path = decodeUtf8(file.path);
    if (path === BOOT_AGGREGATE && entry.index === 0) return { path, digest: '' };
    if (!DIGEST_BYTES.includes(digest.length)) return `${shownPath(file)} has a digest of ${algorithm}`;
    return { path, digest: toHex(digest) };
  } catch (error) {
    if (error instanceof ProtocolError) return 'its path or its fields cannot be written in a document';
    throw error;
  }
}
