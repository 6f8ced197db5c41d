import { fromHex, PCR_COUNT, toHex, Writer } from '@mtm-attest/protocol';
import { expect } from 'chai';
import fc from 'fast-check';
import { TpmClient } from '../../src/tpm2/client.ts';
import { permanent } from '../../src/tpm2/command/command.ts';
import { GET_RANDOM, READ_CLOCK, STARTUP_COMMAND } from '../../src/tpm2/command/machine.ts';
import { NV_READ } from '../../src/tpm2/command/nv.ts';
import { FLUSH_CONTEXT, LOAD_EXTERNAL } from '../../src/tpm2/command/object.ts';
import { PCR_EXTEND, PCR_READ } from '../../src/tpm2/command/pcr.ts';
import { expectRefusal } from '../refusal.ts';
import { codeOf, FakeTransport, refusal } from './fake-transport.ts';

const SEED = 20_260_417;
const DONE = fromHex('8001 0000000a 00000000'.replaceAll(' ', ''));
const DONE_WITH_SESSION = fromHex('8002 00000013 00000000 00000000 0000 01 0000'.replaceAll(' ', ''));
const READ_CLOCK_OF_TODAY = new Writer(64)
  .u16(0x8001)
  .u32(35)
  .u32(0)
  .u64(0x1_0000_0001n)
  .u64(0xffff_ffff_ffff_ffffn)
  .u32(7)
  .u32(9)
  .u8(1)
  .done();

interface Played {
  readonly client: TpmClient;
  readonly transport: FakeTransport;
  /** milliseconds waited, in order */
  readonly waits: number[];
}

function played(...answers: readonly Uint8Array[]): Played {
  const transport = new FakeTransport((_command, i) => answers[Math.min(i, answers.length - 1)] ?? new Uint8Array());
  const waits: number[] = [];
  const client = new TpmClient({
    transport,
    random: (length) => new Uint8Array(length),
    wait: async (ms) => {
      waits.push(ms);
    },
    timeoutMs: 1,
    slowMs: 1,
  });
  return { client, transport, waits };
}

describe('the client of a TPM', () => {
  it('writes commands as the standard has them (G.7)', async () => {
    const { client, transport } = played(DONE, refusal(0x101), DONE_WITH_SESSION);
    await client.run(STARTUP_COMMAND, { parameters: { type: 0 } });
    await expectRefusal(
      () => client.run(PCR_READ, { parameters: { selection: [{ bank: 'sha256', pcrs: [0, 1] }] } }),
      'tpm.refused',
    );
    const digest = Uint8Array.from({ length: 32 }, (_, i) => i);
    await client.run(PCR_EXTEND, {
      handles: [permanent(10)],
      parameters: { digests: [{ algorithm: 0x000b, digest }] },
    });
    expect(transport.commands.map(toHex)).to.deep.equal([
      '80010000000c000001440000',
      '8001000000140000017e00000001000b03030000',
      `800200000041000001820000000a0000000940000009000000000000000001000b${toHex(digest)}`,
    ]);
  });

  it('reads 64-bit numbers whole (F-47)', async () => {
    const { client } = played(READ_CLOCK_OF_TODAY);
    expect(await client.run(READ_CLOCK, { parameters: undefined })).to.deep.equal({
      time: 0x1_0000_0001n,
      clock: 0xffff_ffff_ffff_ffffn,
      resetCount: 7,
      restartCount: 9,
      safe: true,
    });
  });

  it('sends the very same bytes again where the TPM puts a command off, waits longer each time, and gives up', async () => {
    const twice = played(refusal(0x922), refusal(0x908), DONE);
    await twice.client.run(STARTUP_COMMAND, { parameters: { type: 0 } });
    expect(new Set(twice.transport.commands.map(toHex)).size).to.equal(1);
    expect(twice.waits).to.deep.equal([5, 10]);
    const never = played(refusal(0x920));
    await expectRefusal(() => never.client.run(STARTUP_COMMAND, { parameters: { type: 0 } }), 'tpm.busy');
    expect(never.transport.commands).to.have.length(12);
    expect(Math.max(...never.waits)).to.equal(1000);
  });

  it('sends nothing again that was refused for good', async () => {
    const { client, transport } = played(refusal(0x921));
    await expectRefusal(() => client.run(STARTUP_COMMAND, { parameters: { type: 0 } }), 'tpm.lockout');
    expect(transport.commands).to.have.length(1);
  });

  it('frees what nobody holds any more where memory runs out, once, and nothing of its own', async () => {
    const own = fromHex('8001 00000010 00000000 80000001 0000'.replaceAll(' ', ''));
    const handles = (...list: string[]): Uint8Array =>
      fromHex(
        `8001${(19 + 4 * list.length).toString(16).padStart(8, '0')}0000000000000000010000000${list.length}${list.join('')}`,
      );
    const { client, transport } = played(
      own,
      refusal(0x902),
      handles('80000000', '80000001'),
      DONE,
      handles(),
      refusal(0x902),
    );
    const load = (): Promise<unknown> => client.run(LOAD_EXTERNAL, { parameters: { area: new Uint8Array(4) } });
    await load();
    await expectRefusal(load, 'tpm.memory');
    expect(transport.commands.map(codeOf)).to.deep.equal([0x167, 0x167, 0x17a, 0x165, 0x17a, 0x167]);
    expect(toHex(transport.commands[3] ?? new Uint8Array())).to.equal('80010000000e0000016580000000');
  });

  it('flushes at its close what is still loaded', async () => {
    const own = fromHex('8001 00000010 00000000 80000001 0000'.replaceAll(' ', ''));
    const { client, transport } = played(own, DONE);
    await client.run(LOAD_EXTERNAL, { parameters: { area: new Uint8Array(4) } });
    await client.close();
    expect(transport.commands.map(codeOf)).to.deep.equal([0x167, 0x165]);
    expect(transport.closed).to.equal(true);
    await expectRefusal(() => client.run(READ_CLOCK, { parameters: undefined }), 'platform.unavailable');
  });

  it('has one command under way at a time', async () => {
    let underWay = 0;
    let most = 0;
    const transport = new FakeTransport(async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await Promise.resolve();
      underWay -= 1;
      return DONE;
    });
    const client = new TpmClient({
      transport,
      random: (length) => new Uint8Array(length),
      wait: async () => undefined,
      timeoutMs: 1,
      slowMs: 1,
    });
    const startup = (): Promise<undefined> => client.run(STARTUP_COMMAND, { parameters: { type: 0 } });
    await Promise.all([startup(), startup(), startup()]);
    expect(most).to.equal(1);
  });

  it('takes no response that is cut, longer, of another tag, or an error with a body (F-19)', async () => {
    for (let length = 0; length < READ_CLOCK_OF_TODAY.length; length++) {
      const { client } = played(READ_CLOCK_OF_TODAY.subarray(0, length));
      await expectRefusal(() => client.run(READ_CLOCK, { parameters: undefined }), 'tpm.response');
    }
    const longer = Uint8Array.of(...READ_CLOCK_OF_TODAY, 0);
    longer[5] = 36;
    const shorter = Uint8Array.from(READ_CLOCK_OF_TODAY);
    shorter[5] = 34;
    const tagged = Uint8Array.from(READ_CLOCK_OF_TODAY);
    tagged[1] = 2;
    const failed = Uint8Array.from(READ_CLOCK_OF_TODAY);
    failed[8] = 1;
    for (const response of [Uint8Array.of(...READ_CLOCK_OF_TODAY, 0), longer, shorter, tagged, failed]) {
      const { client } = played(response);
      await expectRefusal(() => client.run(READ_CLOCK, { parameters: undefined }), 'tpm.response');
    }
    const noSessions = played(DONE);
    const entity = permanent(0x01804d10);
    await expectRefusal(
      () => noSessions.client.run(NV_READ, { handles: [entity, entity], parameters: { size: 8, offset: 0 } }),
      'tpm.response',
    );
  });

  it('frames every command by its own size and takes exactly what the answer holds, whatever the numbers', async () => {
    const property = fc.asyncProperty(
      fc.uint8Array({ maxLength: 64 }),
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0, max: PCR_COUNT - 1 }),
      fc.integer({ min: 0, max: 0xffff_ffff }),
      async (bytes, length, pcr, handle) => {
        const answer = new Writer(80)
          .u16(0x8001)
          .u32(12 + bytes.length)
          .u32(0)
          .sized(bytes)
          .done();
        const { client, transport } = played(answer, DONE_WITH_SESSION, DONE);
        expect(await client.run(GET_RANDOM, { parameters: { length } })).to.deep.equal(bytes);
        const digests = [{ algorithm: 0x000b, digest: bytes }];
        await client.run(PCR_EXTEND, { handles: [permanent(pcr)], parameters: { digests } });
        await client.run(FLUSH_CONTEXT, { parameters: { handle } });
        const [random = [], extend = [], flush = []] = transport.commands.map((one) => Buffer.from(one));
        for (const command of [random, extend, flush].map((one) => Buffer.from(one))) {
          expect(command.readUInt32BE(2)).to.equal(command.length);
        }
        expect(Buffer.from(random).readUInt16BE(10)).to.equal(length);
        expect(Buffer.from(extend).readUInt32BE(10)).to.equal(pcr);
        expect(Buffer.from(extend).subarray(33)).to.deep.equal(Buffer.from(bytes));
        expect(Buffer.from(flush).readUInt32BE(10)).to.equal(handle);
      },
    );
    await fc.assert(property, { seed: SEED, numRuns: 300 });
  });
});
