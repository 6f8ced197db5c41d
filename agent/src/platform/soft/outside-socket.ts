import { chmod, lstat, rm, stat } from 'node:fs/promises';
import type { Server } from 'node:net';
import { dirname } from 'node:path';
import { AgentError } from '../../error.ts';
import { answers, codeOf, listening, socketPath } from './unix-socket.ts';

const FOR_GROUP = 0o660;
const OTHERS_WRITE = 0o022;
const ROOT = 0;

/**
 * Listens at a path outside the state, for an agent under another user. Whoever is of the socket's group may connect and is taken for the
 * agent, so the group should have no other member. Nobody but root and this user may write to the directory: whoever can would put a socket
 * of his own in the place, and enrol his own keys through it.
 *
 * @throws AgentError `tre.socket`, `tre.path`; `tre.running` where somebody answers there
 */
export async function listenOutside(server: Server, path: string): Promise<void> {
  const place = socketPath(path);
  await demandOurs(dirname(place));
  await removeDead(place);
  try {
    await listening(server, place);
    await chmod(place, FOR_GROUP);
  } catch (cause) {
    throw new AgentError(codeOf(cause) === 'EADDRINUSE' ? 'tre.running' : 'tre.socket', place, { cause });
  }
}

async function demandOurs(directory: string): Promise<void> {
  const { uid, mode } = await stat(directory).catch((cause: unknown) => {
    throw new AgentError('tre.socket', directory, { cause });
  });
  if ((uid !== ROOT && uid !== process.getuid?.()) || (mode & OTHERS_WRITE) !== 0) {
    throw new AgentError('tre.socket', directory);
  }
}

/** A TrE that was killed leaves its socket; anything else there is not ours to remove. */
async function removeDead(place: string): Promise<void> {
  try {
    if (!(await lstat(place)).isSocket()) throw new AgentError('tre.socket', place);
    if (await answers(place)) throw new AgentError('tre.running', place);
    await rm(place, { force: true });
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return;
    throw cause instanceof AgentError ? cause : new AgentError('tre.socket', place, { cause });
  }
}
