import { createHash } from 'node:crypto';
import type { HashName } from '@mtm-attest/protocol';

/** A measured file as an ima-sig entry: SHA-256 of its content, its path, its signature. */
export interface MeasuredFile {
  readonly path: string;
  readonly digest: Buffer;
  readonly signature?: Buffer;
  /** the kernel saw it written while it was read */
  readonly violation?: true;
}

const digestOf = (bank: HashName, bytes: Buffer): Buffer => createHash(bank).update(bytes).digest();

export function file(path: string, more: Partial<MeasuredFile> = {}): MeasuredFile {
  return { path, digest: digestOf('sha256', Buffer.from(path)), ...more };
}

/** The first entry after a boot that left PCR 0 to 9 at zeros. */
export const AGGREGATE: MeasuredFile = {
  path: 'boot_aggregate',
  digest: digestOf('sha256', Buffer.alloc(320)),
};

function templateData({ path, digest, signature = Buffer.alloc(0) }: MeasuredFile): Buffer {
  const fields = [Buffer.concat([Buffer.from('sha256:\0'), digest]), Buffer.from(`${path}\0`), signature];
  return Buffer.concat(
    fields.flatMap((field) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(field.length);
      return [length, field];
    }),
  );
}

/** The ASCII form, PCR 10, with SHA-1 template digests. */
export function imaList(files: readonly MeasuredFile[]): Uint8Array {
  const lines = files.map((one) => {
    const shown = one.violation === true ? Buffer.alloc(20) : digestOf('sha1', templateData(one));
    const signature = one.signature?.toString('hex') ?? '';
    return `10 ${shown.toString('hex')} ima-sig sha256:${one.digest.toString('hex')} ${one.path} ${signature}\n`;
  });
  return new Uint8Array(Buffer.from(lines.join(''), 'latin1'));
}

/** The value of PCR 10, by either rule. */
export function imaPcr(files: readonly MeasuredFile[], bank: HashName, rule: 'per-bank' | 'padded'): Uint8Array {
  const size = digestOf(bank, Buffer.alloc(0)).length;
  return files.reduce<Buffer>((value, one) => {
    const digest = Buffer.alloc(size, one.violation === true ? 0xff : 0);
    if (one.violation !== true) digestOf(rule === 'padded' ? 'sha1' : bank, templateData(one)).copy(digest);
    return digestOf(bank, Buffer.concat([value, digest]));
  }, Buffer.alloc(size));
}
