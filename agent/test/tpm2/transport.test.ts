import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { lockTpm } from '../../src/tpm2/tpm-lock.ts';
import { openTransport, parseTpmAddress } from '../../src/tpm2/transport/address.ts';
import { Device, type DeviceFile } from '../../src/tpm2/transport/device.ts';
import type { Transport } from '../../src/tpm2/transport/transport.ts';
import { expectRefusal } from '../refusal.ts';

const COMMAND = Uint8Array.of(0x80, 1, 0, 0, 0, 10, 0, 0, 1, 0x81);
const RESPONSE = Uint8Array.of(0x80, 1, 0, 0, 0, 12, 0, 0, 0, 0, 7, 7);
const LONG_MS = 20_000;
const SHORT_MS = 50;

describe('the way to a TPM', () => {
  let directory: string;
  const servers: Server[] = [];
  const sockets: Socket[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mtm-transport-'));
  });

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const server of servers.splice(0)) server.close();
    rmSync(directory, { recursive: true });
  });

  /** @param serve told each piece that comes in */
  async function listen(where: string | number, serve: (socket: Socket, bytes: Buffer) => void): Promise<Server> {
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (bytes: Buffer) => serve(socket, bytes));
    });
    servers.push(server);
    if (typeof where === 'string') server.listen(where);
    else server.listen(where, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }

  async function raw(serve: (socket: Socket, bytes: Buffer) => void): Promise<Transport> {
    const path = join(directory, 'tpm');
    await listen(path, serve);
    return openTransport(parseTpmAddress(`swtpm:unix:${path}`), LONG_MS);
  }

  describe('a socket', () => {
    it('takes a response in whatever pieces it comes', async () => {
      const transport = await raw((socket) => {
        for (const byte of RESPONSE) socket.write(Uint8Array.of(byte));
      });
      expect(await transport.exchange(COMMAND, LONG_MS)).to.deep.equal(RESPONSE);
      expect(await transport.exchange(COMMAND, LONG_MS)).to.deep.equal(RESPONSE);
      await transport.close();
      await expectRefusal(() => transport.exchange(COMMAND, LONG_MS), 'tpm.unreachable');
    });

    it('gives up a TPM that answers too late, and takes nothing from it any more', async () => {
      let asked = 0;
      const transport = await raw(() => {
        asked += 1;
      });
      await expectRefusal(() => transport.exchange(COMMAND, SHORT_MS), 'tpm.timeout');
      await expectRefusal(() => transport.exchange(COMMAND, LONG_MS), 'tpm.timeout');
      expect(asked).to.be.at.most(1);
    });

    it('refuses half a response, a size that is none, and bytes behind the response', async () => {
      const sized = (size: number): Uint8Array => {
        const bytes = Uint8Array.from(RESPONSE);
        new DataView(bytes.buffer).setUint32(2, size);
        return bytes;
      };
      for (const [answer, code] of [
        [RESPONSE.subarray(0, 4), 'tpm.unreachable'],
        [RESPONSE.subarray(0, 11), 'tpm.unreachable'],
        [sized(9), 'tpm.response'],
        [sized(0xffff_ffff), 'tpm.response'],
        [sized(8193), 'tpm.response'],
      ] as const) {
        const transport = await raw((socket) => socket.end(answer));
        await expectRefusal(() => transport.exchange(COMMAND, LONG_MS), code);
        for (const server of servers.splice(0)) server.close();
        rmSync(join(directory, 'tpm'), { force: true });
      }
      const longer = await raw((socket) => socket.write(Buffer.concat([RESPONSE, RESPONSE])));
      await expectRefusal(() => longer.exchange(COMMAND, LONG_MS), 'tpm.response');
      await expectRefusal(() => longer.exchange(COMMAND, LONG_MS), 'tpm.response');
    });

    it('says where nobody listens', async () => {
      const address = parseTpmAddress(`swtpm:unix:${join(directory, 'nobody')}`);
      await expectRefusal(() => openTransport(address, LONG_MS), 'tpm.unreachable');
    });
  });

  describe('the reference simulator', () => {
    /** Its two ports, next to each other. */
    async function simulator(command: (socket: Socket, bytes: Buffer) => void): Promise<[Transport, number[]]> {
      const signals: number[] = [];
      for (;;) {
        const first = await listen(0, command);
        const { port } = first.address() as AddressInfo;
        try {
          await listen(port + 1, (socket, bytes) => {
            for (let at = 0; at + 4 <= bytes.length; at += 4) signals.push(bytes.readUInt32BE(at));
            socket.write(Uint8Array.of(0, 0, 0, 0));
          });
        } catch {
          continue;
        }
        return [await openTransport(parseTpmAddress(`mssim:127.0.0.1:${port}`), LONG_MS), signals];
      }
    }

    it('is switched on and spoken to in its frames', async () => {
      const asked: Buffer[] = [];
      const [transport, signals] = await simulator((socket, bytes) => {
        asked.push(bytes);
        const length = Buffer.alloc(4);
        length.writeUInt32BE(RESPONSE.length);
        socket.write(Buffer.concat([length, RESPONSE, Buffer.alloc(4)]));
      });
      expect(await transport.exchange(COMMAND, LONG_MS)).to.deep.equal(RESPONSE);
      expect(signals).to.deep.equal([1, 11]);
      expect(asked[0]?.toString('hex')).to.equal(`0000000800${'0000000a'}${Buffer.from(COMMAND).toString('hex')}`);
      await transport.close();
    });

    it('is refused where its frame ends in anything but a zero, or has no size', async () => {
      for (const frame of [
        Buffer.concat([Buffer.from('0000000c', 'hex'), RESPONSE, Buffer.from('00000001', 'hex')]),
        Buffer.from('00000003', 'hex'),
        Buffer.from('ffffffff', 'hex'),
      ]) {
        const [transport] = await simulator((socket) => socket.write(frame));
        await expectRefusal(() => transport.exchange(COMMAND, LONG_MS), 'tpm.response');
      }
    });
  });

  describe('a character device', () => {
    function file(read: DeviceFile['read'], taken = COMMAND.length): DeviceFile {
      const write = async (buffer: unknown): Promise<unknown> => ({ bytesWritten: taken, buffer });
      return { write, read, close: async () => undefined } as DeviceFile;
    }

    const answering = ((buffer: Uint8Array) => {
      buffer.set(RESPONSE);
      return Promise.resolve({ bytesRead: RESPONSE.length, buffer });
    }) as DeviceFile['read'];

    it('takes one read for the response to one write', async () => {
      const device = new Device(file(answering));
      expect(await device.exchange(COMMAND, LONG_MS)).to.deep.equal(RESPONSE);
      await device.close();
      await expectRefusal(() => device.exchange(COMMAND, LONG_MS), 'tpm.unreachable');
    });

    it('is dead after a read that hangs, fails or follows half a write', async () => {
      const hanging = new Device(file(() => new Promise(() => undefined)));
      await expectRefusal(() => hanging.exchange(COMMAND, SHORT_MS), 'tpm.timeout');
      await expectRefusal(() => hanging.exchange(COMMAND, LONG_MS), 'tpm.timeout');
      const failing = new Device(file(() => Promise.reject(new RangeError('EIO'))));
      await expectRefusal(() => failing.exchange(COMMAND, LONG_MS), 'tpm.unreachable');
      const half = new Device(file(answering, 3));
      await expectRefusal(() => half.exchange(COMMAND, LONG_MS), 'tpm.response');
    });

    it('that is not there, or not for us, says why', async () => {
      await expectRefusal(() => Device.open(join(directory, 'tpmrm0')), 'tpm.unreachable');
    });
  });

  it('is written in one form, and any other is refused', () => {
    expect(parseTpmAddress('device:/dev/tpmrm0')).to.deep.equal({ kind: 'device', path: '/dev/tpmrm0' });
    expect(parseTpmAddress('swtpm:unix:tpm.sock')).to.deep.equal({ kind: 'swtpm-unix', path: 'tpm.sock' });
    expect(parseTpmAddress('swtpm:localhost:2321')).to.deep.equal({ kind: 'swtpm', host: 'localhost', port: 2321 });
    expect(parseTpmAddress('mssim:[::1]:2321')).to.deep.equal({ kind: 'mssim', host: '::1', port: 2321 });
    for (const text of [
      '',
      'device:',
      'device:tpm0',
      'swtpm:',
      'swtpm:host',
      'swtpm:host:0',
      'swtpm:host:65536',
      'mssim:host:65535',
      'swtpm:[::g]:1',
      'swtpm:a b:1',
      'tpm:host:1',
    ]) {
      expect(() => parseTpmAddress(text), text).to.throw('option.invalid');
    }
  });

  it('leads one agent at a time to a TPM, by whatever name, and frees the place with its holder', async () => {
    const path = join(directory, 'tpm');
    const address = parseTpmAddress(`swtpm:unix:${path}`);
    const lock = await lockTpm(address);
    await expectRefusal(() => lockTpm(parseTpmAddress(`swtpm:unix:${directory}/./tpm`)), 'tpm.in-use');
    (await lockTpm(parseTpmAddress(`swtpm:unix:${path}2`))).release();
    lock.release();
    (await lockTpm(address)).release();
    const device = await lockTpm({ kind: 'device', path: '/dev/tpm7731' });
    await expectRefusal(() => lockTpm({ kind: 'device', path: '/dev/tpmrm7731' }), 'tpm.in-use');
    device.release();
  });
});
