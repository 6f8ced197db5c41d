import { readFileSync, writeFileSync } from 'node:fs';
import { VerifierError } from '../error.ts';

/** @throws VerifierError `file.unreadable` */
export function readFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new VerifierError('file.unreadable', file, { cause });
  }
}

/**
 * @param secret true makes a new file with mode 0600 and refuses to replace one
 * @throws VerifierError `file.unwritable`
 */
export function writeFile(file: string, content: string | Uint8Array, secret = false): void {
  try {
    writeFileSync(file, content, secret ? { mode: 0o600, flag: 'wx' } : {});
  } catch (cause) {
    throw new VerifierError('file.unwritable', file, { cause });
  }
}
