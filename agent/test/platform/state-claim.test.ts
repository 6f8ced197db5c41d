import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { AgentError } from '../../src/error.ts';
import { claimState, findSocket, type StateClaim } from '../../src/platform/soft/state-claim.ts';
import { expectRefusal } from '../refusal.ts';
import { inTemporaryDirectory } from '../temporary-directory.ts';

const CLAIMER = fileURLToPath(new URL('claimer.ts', import.meta.url));

/** A process that claims the directory and says so. */
async function claimer(directory: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=mtm-source', CLAIMER, directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'close');
}

/** Of so many at once, those that got the place. */
async function rushed(directory: string, many: number): Promise<readonly StateClaim[]> {
  const settled = await Promise.allSettled(Array.from({ length: many }, () => claimState(directory)));
  for (const one of settled) {
    if (one.status === 'rejected') {
      expect(one.reason).to.be.instanceOf(AgentError);
      expect(one.reason).to.have.property('code', 'tre.running');
    }
  }
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

describe('the place on a state directory', () => {
  it('has one holder, and is free again once it was released', async () => {
    await inTemporaryDirectory(async (directory) => {
      const claim = await claimState(directory);
      await expectRefusal(() => claimState(directory), 'tre.running');
      claim.release();
      (await claimState(directory)).release();
    });
  });

  it('goes to exactly one of many that come at once, on a fresh directory and after a release', async () => {
    await inTemporaryDirectory(async (directory) => {
      for (let round = 0; round < 8; round++) {
        const claims = await rushed(directory, 12);
        expect(claims).to.have.length(1);
        for (const claim of claims) claim.release();
      }
      expect(readdirSync(directory).filter((name) => name.endsWith('.sock'))).to.have.length(1);
    });
  });

  it('is free after kill -9 of its holder, not before, and goes to one of many again', async () => {
    await inTemporaryDirectory(async (directory) => {
      const holder = await claimer(directory);
      await expectRefusal(() => claimState(directory), 'tre.running');
      await killed(holder);
      const claims = await rushed(directory, 12);
      expect(claims).to.have.length(1);
      for (const claim of claims) claim.release();
    });
  });

  it('shows in a socket of mode 0600; those of the dead are removed', async () => {
    await inTemporaryDirectory(async (directory) => {
      for (let i = 0; i < 3; i++) (await claimState(directory)).release();
      writeFileSync(join(directory, 'tre-00000000.new'), '');
      const claim = await claimState(directory);
      expect(readdirSync(directory)).to.deep.equal(['tre-4.sock']);
      const path = (await findSocket(directory)) ?? '';
      expect(statSync(path).mode & 0o777).to.equal(0o600);
      claim.release();
    });
  });

  it('is not taken by a copy of the directory', async () => {
    await inTemporaryDirectory(async (root) => {
      const directory = join(root, 'tre');
      mkdirSync(directory);
      const claim = await claimState(directory);
      cpSync(directory, join(root, 'copy'), { recursive: true, filter: (path) => !path.endsWith('.sock') });
      (await claimState(join(root, 'copy'))).release();
      claim.release();
    });
  });

  it('keeps those waiting who come before anybody serves', async () => {
    await inTemporaryDirectory(async (directory) => {
      const claim = await claimState(directory);
      const socket = connect((await findSocket(directory)) ?? '');
      await once(socket, 'connect');
      claim.accept((accepted) => accepted.end('served'));
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      expect(chunk.toString()).to.equal('served');
      claim.release();
    });
  });

  it('needs a path that a socket can have', async () => {
    await inTemporaryDirectory(async (root) => {
      const directory = join(root, 'x'.repeat(100));
      mkdirSync(directory);
      await expectRefusal(() => claimState(directory), 'tre.path');
    });
  });
});
