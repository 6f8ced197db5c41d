import { AgentError } from '../../error.ts';
import type { DurableFiles } from '../../storage/durable-files.ts';

/**
 * Files of a directory that one process holds: nothing is written once it no longer does, so that two TrEs never write over each other and no
 * counter goes back.
 *
 * @param holds looked at before every write
 */
export function heldFiles(files: DurableFiles, holds: () => Promise<boolean>): DurableFiles {
  const held = async (): Promise<void> => {
    if (!(await holds())) throw new AgentError('tre.running');
  };
  return {
    read: (name) => files.read(name),
    readRange: (name, start, length) => files.readRange(name, start, length),
    list: (directory) => files.list(directory),
    replace: async (name, bytes) => {
      await held();
      await files.replace(name, bytes);
    },
    append: async (name, bytes) => {
      await held();
      await files.append(name, bytes);
    },
    truncate: async (name, length) => {
      await held();
      await files.truncate(name, length);
    },
    remove: async (name) => {
      await held();
      await files.remove(name);
    },
  };
}
