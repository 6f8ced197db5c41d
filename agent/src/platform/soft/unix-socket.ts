import { connect, type Server } from 'node:net';
import { resolve } from 'node:path';
import { AgentError } from '../../error.ts';

/** sun_path, the shortest there is, without its terminating zero. */
const MAX_SOCKET_PATH = 103;

/** @throws AgentError `tre.path` where no socket can have the path */
export function socketPath(path: string): string {
  const absolute = resolve(path);
  if (Buffer.byteLength(absolute) > MAX_SOCKET_PATH) throw new AgentError('tre.path', absolute);
  return absolute;
}

export function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Whether somebody accepts there. Only a refusal says that nobody does: a full queue is somebody. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      const code = codeOf(error);
      if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(false);
      else if (code === 'EAGAIN') resolve(true);
      else reject(error);
    });
  });
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
