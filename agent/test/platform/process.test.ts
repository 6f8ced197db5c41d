import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LogReplay, parseAttest, resetPcrs } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { random } from '../../src/fleet/power.ts';
import type { QuoteRequest } from '../../src/platform/platform.ts';
import { encodeFrame } from '../../src/platform/soft/ipc.ts';
import { RemotePlatform } from '../../src/platform/soft/remote-platform.ts';
import { startTre } from '../../src/platform/soft/start-tre.ts';
import { findSocket } from '../../src/platform/soft/state-claim.ts';
import { StateFile } from '../../src/platform/soft/state-file.ts';
import { Secret } from '../../src/secret.ts';
import { DiskFiles } from '../../src/storage/disk-files.ts';
import { expectRefusal, refusalOf } from '../refusal.ts';
import { seeded } from '../seed.ts';
import { COMMAND, ProcessMachine } from './machines.ts';
import { scalarsOf, showsScalar } from './private-scalars.ts';

const EXTENDER = fileURLToPath(new URL('extender.ts', import.meta.url));
const BINDER = fileURLToPath(new URL('binder.ts', import.meta.url));
const SEED = 1_234_567;
const DIGEST = new Uint8Array(32).fill(1);

const QUOTE: QuoteRequest = {
  purpose: 'inspect',
  challengeDigest: DIGEST,
  binding: { type: 'none', value: new Uint8Array() },
  audience: '',
  terminal: '',
  compartment: 'mrtm',
  ownershipEpoch: 0n,
  claimsDigest: DIGEST,
  bindSessionKey: false,
  selection: Buffer.from('00000001000b03010000', 'hex'),
};

/** PCR 10 after so many extends with DIGEST. */
function pcrsAfter(extends_: number): Uint8Array {
  const replay = new LogReplay(nodeCrypto.sha256);
  for (let i = 0; i < extends_; i++) replay.extend(10, DIGEST);
  return replay.values();
}

describe('the TrE in a process of its own', () => {
  let machine: ProcessMachine;
  let platform: RemotePlatform;

  before(async () => {
    machine = new ProcessMachine();
    platform = await machine.powerOn();
  });

  after(() => machine.remove());

  async function socketOfTre(): Promise<Socket> {
    const socket = connect((await findSocket(machine.directory)) ?? '');
    await once(socket, 'connect');
    return socket;
  }

  it('does not start twice on one state', async () => {
    await expectRefusal(() => startTre({ directory: machine.directory, command: COMMAND, bound: true }), 'tre.running');
  });

  it('serves one agent at a time; the next waits and is told when it waited too long', async () => {
    await expectRefusal(
      () => RemotePlatform.connect(machine.directory, { role: 'agent', busyMs: 50 }),
      'platform.busy',
    );
    const next = RemotePlatform.connect(machine.directory, { role: 'agent' });
    await platform.extend(10, DIGEST);
    await platform.close();
    platform = await next;
    expect(await platform.readPcrs()).to.deep.equal(pcrsAfter(1));
  });

  it('lets somebody look in between, and do nothing else', async () => {
    const inspector = await RemotePlatform.connect(machine.directory, { role: 'inspector' });
    expect(await inspector.readPcrs()).to.deep.equal(await platform.readPcrs());
    expect((await inspector.quote(QUOTE)).attest).not.to.have.length(0);
    await expectRefusal(() => inspector.quote({ ...QUOTE, purpose: 'runtime' }), 'platform.refused');
    await expectRefusal(() => inspector.extend(10, DIGEST), 'platform.refused');
    await expectRefusal(() => inspector.powerOff(), 'platform.refused');
    await inspector.close();
  });

  it('cuts off whoever does not speak its language, and goes on (F-59)', async () => {
    const below = seeded(SEED);
    for (const bytes of [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.from('ffffffff00', 'hex'),
      Buffer.from(encodeFrame(['open'])),
      Buffer.from(encodeFrame(['open', 'owner'])),
      Buffer.from(encodeFrame(['open', 'agent', 1])),
      Buffer.from(encodeFrame(['readPcrs'])),
      ...Array.from({ length: 20 }, () => Buffer.from([0, 0, 0, 20, ...Array.from({ length: 20 }, () => below(256))])),
    ]) {
      const socket = await socketOfTre();
      let answered = 0;
      socket.on('data', (chunk: Buffer) => {
        answered += chunk.length;
      });
      socket.on('error', () => undefined);
      const closed = once(socket, 'close');
      socket.write(bytes);
      await closed;
      expect(answered, bytes.toString('hex')).to.equal(0);
    }
    expect(await platform.readPcrs()).to.deep.equal(pcrsAfter(1));
  });

  it('loses no PCR when its agent is killed, and extends nothing after the next agent is there', async () => {
    await platform.close();
    let known = 1;
    for (const lines of [1, 7, 23]) {
      const agent = spawn(
        process.execPath,
        ['--import', 'tsx', '--conditions=mtm-source', EXTENDER, machine.directory],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      let told = 0;
      agent.stdout.on('data', (chunk: Buffer) => {
        told += chunk.filter((byte) => byte === 10).length;
        if (told >= lines) agent.kill('SIGKILL');
      });
      await once(agent, 'close');
      platform = await machine.connect();
      const values = await platform.readPcrs();
      // The last ones were on their way: at most as many as the agent had asked for at once.
      const done = [0, 1, 2, 3, 4].find((more) => Buffer.compare(values, pcrsAfter(known + told + more)) === 0);
      expect(done, `after ${told} extends`).not.to.equal(undefined);
      known += told + (done ?? 0);
      await platform.extend(10, DIGEST);
      known += 1;
      expect(await platform.readPcrs()).to.deep.equal(pcrsAfter(known));
      await platform.close();
    }
    platform = await machine.connect();
  });

  it('shows its private keys neither on the wire nor in an error (F-77)', async () => {
    const wire: Buffer[] = [];
    const target = (await findSocket(machine.directory)) ?? '';
    const proxy = createServer((near) => {
      const far = connect(target);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on('data', (chunk: Buffer) => {
          wire.push(chunk);
          to.write(chunk);
        });
        from.on('close', () => to.destroy()).on('error', () => undefined);
      }
    });
    const path = join(machine.root, 'proxy.sock');
    await new Promise<void>((resolve) => proxy.listen(path, resolve));
    await platform.close();
    const watched = await RemotePlatform.over(connect(path), { role: 'agent' });
    await watched.identity();
    await watched.extend(10, DIGEST);
    await watched.quote({ ...QUOTE, purpose: 'enrol', bindSessionKey: true });
    await watched.signHello({
      nonce: DIGEST,
      binding: { type: 'tls-exporter', value: DIGEST },
      audience: 'a',
      terminal: 't',
    });
    await watched.incrementCounter('audit');
    await watched.random(1024);
    const refusal = await refusalOf(() => watched.extend(24, DIGEST));
    await watched.close();
    proxy.close();
    const key = new Secret(new Uint8Array(readFileSync(join(machine.directory, 'device.key'))));
    const state = (await new StateFile(new DiskFiles(machine.directory), key, random).load()) ?? expect.fail('none');
    const captured = Buffer.concat([...wire, Buffer.from(refusal.stack ?? '')]);
    expect(captured.length).to.be.above(2000);
    expect(showsScalar(captured, scalarsOf(state))).to.equal(false);
    platform = await machine.connect();
  });

  it('that died answers nothing more: what was asked and what comes later is platform.unavailable', async () => {
    const asked = Array.from({ length: 3 }, () => platform.incrementCounter('audit'));
    const settled = Promise.allSettled(asked);
    await machine.powerCut();
    for (const one of await settled) {
      if (one.status === 'rejected') expect(one.reason).to.have.property('code', 'platform.unavailable');
    }
    await platform.ended;
    await expectRefusal(() => platform.readPcrs(), 'platform.unavailable');
    await expectRefusal(() => RemotePlatform.connect(machine.directory, { role: 'agent' }), 'platform.unavailable');
    platform = await machine.powerOn();
    expect(await platform.readPcrs()).to.deep.equal(resetPcrs());
  });

  it('that hangs is as good as dead', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.write(encodeFrame([true]))));
    const path = join(machine.root, 'hanging.sock');
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const hanging = await RemotePlatform.over(connect(path), { role: 'agent', answerMs: 20 });
    await expectRefusal(() => hanging.identity(), 'platform.unavailable');
    server.close();
  });
});

describe('the end of the TrE', () => {
  it('is orderly when its agent asks for it, on SIGTERM, and when it is bound and standard input ends', async () => {
    const machine = new ProcessMachine();
    try {
      await (await machine.powerOn()).powerOff();
      await machine.powerOn();
      await machine.powerOff();
      const binder = spawn(
        process.execPath,
        ['--import', 'tsx', '--conditions=mtm-source', BINDER, machine.directory, ...COMMAND],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      await once(binder.stdout, 'data');
      const inspector = await RemotePlatform.connect(machine.directory, { role: 'inspector' });
      binder.kill('SIGKILL');
      await inspector.ended;
      const platform = await machine.powerOn();
      const { clockInfo } = parseAttest((await platform.quote(QUOTE)).attest, 'quote');
      expect(clockInfo).to.include({ resetCount: 4, restartCount: 0, safe: true });
    } finally {
      await machine.remove();
    }
  });
});

describe('the TrE under kill -9', () => {
  const KILLS = 10;

  it(`keeps every counter value that it acknowledged, and resetCount rises, in ${KILLS} kills (seed ${SEED})`, async () => {
    const below = seeded(SEED);
    const machine = new ProcessMachine();
    let counter = 0n;
    let resetCount = 0;
    let akName: Uint8Array | undefined;
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        const platform = await machine.powerOn();
        const identity = await platform.identity();
        expect(identity.boot.resetCount).to.equal(resetCount + 1);
        resetCount = identity.boot.resetCount;
        akName ??= identity.akName;
        expect(identity.akName).to.deep.equal(akName);
        const found = await platform.readCounter('audit');
        expect(found >= counter, `kill ${kill}: ${found} after ${counter}`).to.equal(true);
        counter = found;
        // Enumerated first, then anywhere in a stream of requests.
        const answers = kill < 4 ? kill : below(40);
        let died: Promise<void> | undefined;
        const asked = Array.from({ length: 60 }, async (_, i) => {
          const value = await platform.incrementCounter('audit');
          counter = value > counter ? value : counter;
          if (i === answers) died = machine.powerCut();
        });
        await Promise.allSettled(asked);
        await died;
        expect(counter >= found + BigInt(answers)).to.equal(true);
      }
    } finally {
      await machine.remove();
    }
  });
});
