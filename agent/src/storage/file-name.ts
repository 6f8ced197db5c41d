/** Ends the name of a file that is being written. Such a file is never listed and never read. */
export const PENDING_SUFFIX = '.pending';

const PENDING = /^(.+)\.[0-9a-f]{12}\.pending$/;

/** Whether this is the name of a file that is being written, of any file or of the one named. */
export function isPendingOf(found: string, name?: string): boolean {
  const written = PENDING.exec(found)?.[1];
  return written !== undefined && (name === undefined || written === name);
}

/**
 * The parts of a name in a store: a file, or a directory and a file.
 * @throws RangeError for any other name: a defect of the caller
 */
export function fileNameParts(name: string): readonly string[] {
  const parts = name.split('/');
  if (parts.length > 2 || parts.some((part) => !isPlain(part)) || name.endsWith(PENDING_SUFFIX)) {
    throw new RangeError('not a name of this store');
  }
  return parts;
}

function isPlain(part: string): boolean {
  return part !== '' && part !== '.' && part !== '..' && !part.includes('\0');
}
