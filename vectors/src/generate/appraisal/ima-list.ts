import { nobleCrypto, utf8 } from '@mtm-attest/protocol';
import { bytes, fill } from '../bytes.ts';
import { sha256 } from '../keys.ts';
import { le } from './firmware-log.ts';

/** One entry of an IMA list, of the template ima-ng or, with a signature, ima-sig. */
export interface ListEntry {
  readonly path: string;
  /** SHA-256 of the file */
  readonly digest: Uint8Array;
  readonly signature?: Uint8Array;
  readonly pcr?: number;
  readonly isViolation?: boolean;
  /** template digest shown instead of the right one, 20 bytes */
  readonly shown?: Uint8Array;
  readonly template?: string;
}

const PCR = 10;

function dataOf({ path, digest, signature }: ListEntry): Uint8Array {
  const fields = [bytes(utf8('sha256:\0'), digest), utf8(`${path}\0`), ...(signature === undefined ? [] : [signature])];
  return bytes(...fields.flatMap((field) => [le(field.length, 4), field]));
}

/** `binary_runtime_measurements` (Linux, security/integrity/ima/ima_fs.c) */
export function imaList(entries: readonly ListEntry[]): Uint8Array {
  return bytes(
    ...entries.map((entry) => {
      const data = dataOf(entry);
      const template = utf8(entry.template ?? (entry.signature === undefined ? 'ima-ng' : 'ima-sig'));
      const shown = entry.isViolation === true ? fill(20, 0) : (entry.shown ?? nobleCrypto.sha1(data));
      return bytes(le(entry.pcr ?? PCR, 4), shown, le(template.length, 4), template, le(data.length, 4), data);
    }),
  );
}

/** PCR 10 after these entries, by the rule `per-bank`. */
export function imaPcr(entries: readonly ListEntry[], start: Uint8Array = fill(32, 0)): Uint8Array {
  return entries
    .filter(({ pcr = PCR }) => pcr === PCR)
    .reduce((value, entry) => {
      const digest = entry.isViolation === true ? fill(32, 0xff) : sha256(dataOf(entry));
      return sha256(bytes(value, digest));
    }, start);
}
