import { realpath } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { resolve } from 'node:path';
import { toHex, utf8 } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { AgentError } from '../error.ts';
import type { TpmAddress } from './transport/address.ts';

/** A TPM that no other agent of this machine may use until it is released. */
export interface TpmLock {
  release(): void;
}

/**
 * The one place at a TPM: two agents would each log what the other did not extend. It is a name in the abstract namespace of Linux, which the
 * kernel frees with the process that holds it, however that ends: there is no stale lock to recognise. /dev/tpm0 and /dev/tpmrm0 are one TPM.
 * Another program of this machine can hold the name and so keep the agent from starting, never make it share. Systems other than Linux have no such
 * names: there the place on the state directory is all that keeps agents apart.
 *
 * @throws AgentError `tpm.in-use`
 */
export async function lockTpm(address: TpmAddress): Promise<TpmLock> {
  if (process.platform !== 'linux') return { release: () => undefined };
  const name = toHex(nodeCrypto.sha256(utf8(await placeOf(address)))).slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  await listening(server, `\0mtm-attest/tpm/${name}`);
  server.unref();
  return {
    release: () => {
      server.close();
    },
  };
}

async function placeOf(address: TpmAddress): Promise<string> {
  switch (address.kind) {
    case 'device':
    case 'swtpm-unix': {
      const path = await realpath(address.path).catch(() => resolve(address.path));
      return path.replace(/^\/dev\/tpmrm(\d+)$/, '/dev/tpm$1');
    }
    default:
      return `${address.host}:${address.port}`;
  }
}

function listening(server: Server, name: string): Promise<void> {
  return new Promise((done, reject) => {
    server.once('error', (cause) => {
      const taken = 'code' in cause && cause.code === 'EADDRINUSE';
      reject(new AgentError(taken ? 'tpm.in-use' : 'platform.failed', taken ? undefined : cause.message, { cause }));
    });
    server.listen(name, done);
  });
}
