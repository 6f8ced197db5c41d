import { closeSync, openSync, readSync } from 'node:fs';
import { VerifierError } from '../error.ts';
import type { ReadPiece } from '../log-check/checked-log.ts';

/** @throws VerifierError `file.unreadable`, at the first piece too: a directory opens */
export function openLog(file: string): { readonly read: ReadPiece; readonly close: () => void } {
  const unreadable = <T>(access: () => T): T => {
    try {
      return access();
    } catch (cause) {
      throw new VerifierError('file.unreadable', file, { cause });
    }
  };
  const descriptor = unreadable(() => openSync(file, 'r'));
  const read: ReadPiece = (start, length) => {
    const bytes = new Uint8Array(length);
    return bytes.subarray(
      0,
      unreadable(() => readSync(descriptor, bytes, 0, length, start)),
    );
  };
  return {
    read,
    close: () => {
      closeSync(descriptor);
    },
  };
}
