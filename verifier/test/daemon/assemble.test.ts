import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadConfig } from '../../src/config/load.ts';
import { assemble } from '../../src/daemon/assemble.ts';
import { createLog } from '../../src/daemon/log.ts';
import { VerifierError } from '../../src/error.ts';
import { VerifierSite } from '../support/verifier-site.ts';

const HOST = '127.0.0.1';

/** @throws where something listens there */
async function occupy(port = 0): Promise<Server> {
  const server = createServer();
  server.listen(port, HOST);
  await once(server, 'listening');
  return server;
}

async function release(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

describe('a daemon that cannot be assembled', () => {
  let site: VerifierSite;
  let taken: Server;

  beforeEach(async () => {
    site = new VerifierSite(mkdtempSync(join(tmpdir(), 'mtm-assemble-')));
    await site.initialise();
    taken = await occupy();
  });

  afterEach(async () => {
    await release(taken);
    rmSync(site.directory, { recursive: true });
  });

  async function failureOf(set: readonly string[]): Promise<VerifierError> {
    const config = loadConfig({ file: site.config, environment: {}, set });
    try {
      const daemon = await assemble(config, createLog('silent'));
      await daemon.stop();
    } catch (error) {
      if (error instanceof VerifierError) return error;
      throw error;
    }
    return expect.fail('assembled');
  }

  it('for its API cannot listen has closed the listener of the terminals when it says so', async () => {
    const free = await occupy();
    const port = portOf(free);
    await release(free);
    const error = await failureOf([`listen.port=${port}`, `api.port=${portOf(taken)}`]);
    expect(error.code).to.equal('listen.failed');
    expect(error.detail).to.contain(`${HOST}, port ${portOf(taken)}: `);
    await release(await occupy(port));
  });

  it('for the terminals cannot be listened to says at which address', async () => {
    const error = await failureOf([`listen.port=${portOf(taken)}`]);
    expect(error.code).to.equal('listen.failed');
    expect(error.detail).to.contain(`${HOST}, port ${portOf(taken)}: `);
  });
});
