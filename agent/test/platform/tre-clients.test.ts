import { once } from 'node:events';
import { statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { parseSelectionText, writePcrSelection } from '@mtm-attest/protocol';
import { expect } from 'chai';
import type { QuoteRequest } from '../../src/platform/platform.ts';
import { encodeFrame } from '../../src/platform/soft/ipc.ts';
import { RemotePlatform } from '../../src/platform/soft/remote-platform.ts';
import { type StartedTre, startTre } from '../../src/platform/soft/start-tre.ts';
import { findSocket } from '../../src/platform/soft/state-claim.ts';
import { OPEN, type Role } from '../../src/platform/soft/verbs.ts';
import { expectRefusal } from '../refusal.ts';
import { seeded } from '../seed.ts';
import { inTemporaryDirectory } from '../temporary-directory.ts';
import { COMMAND, ProcessMachine } from './machines.ts';

const SEED = 987_654;
const DIGEST = new Uint8Array(32).fill(3);

function quoteFor(purpose: QuoteRequest['purpose']): QuoteRequest {
  return {
    purpose,
    challengeDigest: DIGEST,
    binding: { type: 'none', value: new Uint8Array() },
    audience: '',
    terminal: '',
    compartment: 'mrtm',
    ownershipEpoch: 0n,
    claimsDigest: DIGEST,
    bindSessionKey: false,
    selection: writePcrSelection(parseSelectionText('sha256:0')),
  };
}

describe('clients of one TrE process', () => {
  let machine: ProcessMachine;
  let agent: RemotePlatform;

  before(async () => {
    machine = new ProcessMachine();
    agent = await machine.powerOn();
  });

  after(() => machine.remove());

  async function rawSocket(): Promise<Socket> {
    const path = (await findSocket(machine.directory)) ?? expect.fail('no socket');
    const socket = connect(path);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  async function opened(role: Role): Promise<Socket> {
    const socket = await rawSocket();
    socket.write(encodeFrame([OPEN, role]));
    await once(socket, 'data');
    return socket;
  }

  it('find its directory and socket closed to everybody else', async () => {
    const path = (await findSocket(machine.directory)) ?? expect.fail('no socket');
    expect(statSync(machine.directory).mode & 0o777).to.equal(0o700);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
  });

  it('that only look are refused whatever changes the TrE or speaks for the terminal, and served between an agent’s requests', async () => {
    const inspector = await RemotePlatform.connect(machine.directory, { role: 'inspector' });
    const counted = Promise.all(Array.from({ length: 20 }, () => agent.incrementCounter('audit')));
    expect(await inspector.identity()).to.deep.equal(await agent.identity());
    const hello = { nonce: DIGEST, binding: quoteFor('gate').binding, audience: 'a', terminal: 't' };
    await expectRefusal(() => inspector.extend(0, DIGEST), 'platform.refused');
    await expectRefusal(() => inspector.incrementCounter('audit'), 'platform.refused');
    await expectRefusal(() => inspector.signHello(hello), 'platform.refused');
    for (const purpose of ['enrol', 'gate', 'runtime', 'receipt', 'transfer', 'tamper'] as const) {
      await expectRefusal(() => inspector.quote(quoteFor(purpose)), 'platform.refused');
    }
    await inspector.quote(quoteFor('inspect'));
    const values = await counted;
    expect(await inspector.readCounter('audit')).to.equal(values.at(-1));
    await inspector.close();
  });

  it(`that send no frames any more after they were let in, or too long ones, are cut off, and nobody else is (F-56, F-59; seed ${SEED})`, async () => {
    const below = seeded(SEED);
    const noise = Buffer.from(Array.from({ length: 300 }, () => below(256)));
    const before = await agent.readPcrs();
    await agent.close();
    for (const role of ['inspector', 'agent'] as const) {
      for (const bytes of [
        Buffer.from('00010001', 'hex'),
        Buffer.from('ffffffff', 'hex'),
        Buffer.concat([Buffer.from([0, 0, 1, 44]), noise]),
        Buffer.from('00000001c0', 'hex'),
        Buffer.from('0000000592cc0101ff', 'hex'),
      ]) {
        const watcher = await RemotePlatform.connect(machine.directory, { role: 'inspector' });
        const socket = await opened(role);
        const answers: Buffer[] = [];
        socket.on('data', (chunk: Buffer) => answers.push(chunk));
        const closed = once(socket, 'close');
        socket.write(bytes);
        await closed;
        expect(Buffer.concat(answers), bytes.toString('hex', 0, 8)).to.have.length(0);
        expect(await watcher.readPcrs()).to.deep.equal(before);
        await watcher.close();
      }
    }
    agent = await machine.connect();
    expect(await agent.readPcrs()).to.deep.equal(before);
  });

  it('that ask for what there is not are told so, and stay', async () => {
    const socket = await opened('inspector');
    for (const request of [['sign', DIGEST], ['quote', DIGEST], ['identity', 1], [], ['open', 'agent'], ['close']]) {
      const answer = once(socket, 'data');
      socket.write(encodeFrame(request));
      const [bytes] = (await answer) as [Buffer];
      expect(bytes.toString('latin1')).to.include('platform.refused');
    }
    socket.destroy();
  });

  it('that vanish with requests under way leave none to be done later, under the next agent (F-59)', async () => {
    for (const wanted of [0, 1, 5, 17]) {
      const start = await agent.readCounter('bootstrap');
      const asked = Array.from({ length: 30 }, () => agent.incrementCounter('bootstrap'));
      const settled = Promise.allSettled(asked);
      if (wanted > 0) await asked[wanted - 1];
      const next = RemotePlatform.connect(machine.directory, { role: 'agent' });
      await agent.close();
      const answered = (await settled).filter(({ status }) => status === 'fulfilled').length;
      agent = await next;
      const found = await agent.readCounter('bootstrap');
      expect(found >= start + BigInt(answered) && found <= start + 30n, `${found}`).to.equal(true);
      expect(await agent.incrementCounter('bootstrap')).to.equal(found + 1n);
      expect(await agent.readCounter('bootstrap')).to.equal(found + 1n);
    }
  });

  it('that came and went while they waited for their turn hold nobody up', async () => {
    const impatient = await Promise.allSettled(
      Array.from({ length: 5 }, () => RemotePlatform.connect(machine.directory, { role: 'agent', busyMs: 20 })),
    );
    for (const one of impatient) {
      expect(one.status === 'rejected' ? one.reason : undefined).to.have.property('code', 'platform.busy');
    }
    const next = RemotePlatform.connect(machine.directory, { role: 'agent' });
    await agent.close();
    agent = await next;
    expect(await agent.random(8)).to.have.length(8);
  });
});

describe('the TrE under kill -9, with a counter outside its directory', () => {
  const KILLS = 4;

  it(`is never taken for an old copy, and loses nothing that it acknowledged, in ${KILLS} kills (seed ${SEED})`, async () => {
    const below = seeded(SEED);
    await inTemporaryDirectory(async (root) => {
      const options = { directory: join(root, 'tre'), counter: join(root, 'counter'), command: COMMAND, bound: true };
      let acknowledged = 0n;
      let tre: StartedTre | undefined;
      try {
        for (let kill = 0; kill < KILLS; kill++) {
          tre = await startTre(options);
          const platform = await RemotePlatform.connect(options.directory, { role: 'agent' });
          expect((await platform.identity()).boot).to.deep.equal({ resetCount: kill + 1, restartCount: 0 });
          const found = await platform.readCounter('audit');
          expect(found >= acknowledged, `kill ${kill}: ${found} after ${acknowledged}`).to.equal(true);
          acknowledged = found;
          const answers = below(25);
          let died: Promise<void> | undefined;
          const asked = Array.from({ length: 30 }, async (_, i) => {
            const value = await platform.incrementCounter('audit');
            acknowledged = value > acknowledged ? value : acknowledged;
            if (i === answers) died = tre?.kill('SIGKILL');
          });
          await Promise.allSettled(asked);
          await died;
          await platform.close();
        }
        tre = await startTre(options);
      } finally {
        await tre?.kill('SIGKILL');
      }
    });
  });
});
