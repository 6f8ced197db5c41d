/**
 * The file operations that state and logs are made of. Each resolves only when its effect survives a power cut
 * (data and directory entry on disk). Passed in, so that a test can make any operation the last one.
 * Names are relative, one directory deep at most; a missing file is `undefined`, never an error.
 */
export interface DurableFiles {
  read(name: string): Promise<Uint8Array | undefined>;
  /** Up to `length` bytes from `start` on; fewer at the end of the file, none where it is missing. */
  readRange(name: string, start: number, length: number): Promise<Uint8Array>;
  /** Replaces the whole file at once: temporary file, fsync, rename, fsync of the directory. */
  replace(name: string, bytes: Uint8Array): Promise<void>;
  /** Appends and syncs. Makes the file where it is missing. */
  append(name: string, bytes: Uint8Array): Promise<void>;
  truncate(name: string, length: number): Promise<void>;
  remove(name: string): Promise<void>;
  /** Names of the files in a directory of this store, ascending. */
  list(directory: string): Promise<readonly string[]>;
}
