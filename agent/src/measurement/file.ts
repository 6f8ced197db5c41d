import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

const CHUNK_BYTES = 65536;

/** What stands for a file that is not there: no content hashes to it. */
export const ABSENT: Uint8Array = new Uint8Array(32);

/**
 * SHA-256 of a file's bytes, read anew through one descriptor: nothing is remembered by size, date or inode (F-24). A link in the place of
 * the file is not followed; it counts as absent, like a directory, a pipe (which would be waited for), a device (which may have no end), and a
 * file that the agent may not or cannot read: whoever hides a file must not silence the terminal.
 *
 * @returns 32 bytes, or ABSENT
 */
export async function measureFile(path: string): Promise<Uint8Array> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isAbsent(error)) return ABSENT;
    throw error;
  }
  try {
    if (!(await file.stat()).isFile()) return ABSENT;
    const hash = createHash('sha256');
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES);
      if (bytesRead === 0) return new Uint8Array(hash.digest());
      hash.update(chunk.subarray(0, bytesRead));
    }
  } catch (error) {
    if (isAbsent(error)) return ABSENT;
    throw error;
  } finally {
    await file.close();
  }
}

const UNREADABLE = new Set<unknown>([
  'ENOENT',
  'ELOOP',
  'ENOTDIR',
  'ENXIO',
  'EACCES',
  'EPERM',
  'EISDIR',
  'EIO',
  'ENAMETOOLONG',
]);

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && UNREADABLE.has(error.code);
}
