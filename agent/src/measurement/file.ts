import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

const CHUNK_BYTES = 65536;

/** What stands for a file that is not there: no content hashes to it. */
export const ABSENT: Uint8Array = new Uint8Array(32);

/**
 * SHA-256 of a file's bytes, read anew through one descriptor: nothing is remembered by size, date or inode (F-24). A link in the place of
 * the file is not followed; it counts as absent, like a directory, a pipe (which would be waited for) and a device (which may have no end).
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
  } finally {
    await file.close();
  }
}

function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR' || code === 'ENXIO';
}
