import { encodeCanonical, type MsgpackValue, ProtocolError } from '@mtm-attest/protocol';
import { expect } from 'chai';
import fc from 'fast-check';
import { AgentError } from '../../src/error.ts';
import { TerminalDisk } from '../../src/fleet/power.ts';
import {
  encodeAnswer,
  encodeFailure,
  encodeFrame,
  type Fields,
  MAX_FRAME_BYTES,
  readAnswer,
  readFrames,
} from '../../src/platform/soft/ipc.ts';
import { serveVerb, VERB_NAMES, VERBS } from '../../src/platform/soft/verbs.ts';
import { expectRefusal, refusalOf } from '../refusal.ts';

const SEED = 77;

async function* chunksOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function framesOf(...chunks: readonly Uint8Array[]): Promise<Fields[]> {
  const frames: Fields[] = [];
  for await (const frame of readFrames(chunksOf(...chunks))) frames.push(frame);
  return frames;
}

async function frameOf(...values: readonly MsgpackValue[]): Promise<Fields> {
  const [frame] = await framesOf(encodeFrame(values));
  return frame ?? expect.fail('no frame');
}

function withLength(body: Uint8Array, length = body.length): Uint8Array {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(length);
  return Buffer.concat([prefix, body]);
}

describe('frames between agent and TrE', () => {
  it('arrive whole however the stream is cut', async () => {
    const bytes = Buffer.concat([encodeFrame(['a', 1]), encodeFrame([]), encodeFrame([new Uint8Array(300)])]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 12 }), async (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((end, i) => new Uint8Array(bytes.subarray(at[i], end)));
        const frames = await framesOf(...chunks);
        expect(frames).to.have.length(3);
        expect(frames[2]?.bytes(300)).to.deep.equal(new Uint8Array(300));
      }),
      { seed: SEED, numRuns: 50 },
    );
  });

  it('are refused where they are longer than 64 KiB, by their length alone, and a torn last one is none (F-46)', async () => {
    await expectRefusal(() => framesOf(withLength(new Uint8Array(), MAX_FRAME_BYTES + 1)), 'platform.refused');
    await expectRefusal(() => framesOf(withLength(new Uint8Array(), 0xffffffff)), 'platform.refused');
    await expectRefusal(() => encodeFrame([new Uint8Array(MAX_FRAME_BYTES)]), 'platform.refused');
    expect(await framesOf(encodeFrame(['torn']).subarray(0, 7))).to.have.length(0);
  });

  it('are refused where they are no canonical array', async () => {
    await expectRefusal(() => framesOf(withLength(encodeCanonical('text'))), 'platform.refused');
    for (const body of ['c0', '92cc0101', '9101ff', '81a161', 'd40000']) {
      let refused: unknown;
      await framesOf(withLength(Buffer.from(body, 'hex'))).catch((error: unknown) => {
        refused = error;
      });
      expect(refused, body).to.be.instanceOf(ProtocolError);
    }
  });

  it('carry of a failure its code alone (F-77)', async () => {
    const [failure] = await framesOf(encodeFailure(new AgentError('platform.counter', 'a detail of the inside')));
    const refusal = await refusalOf(() => readAnswer(failure ?? expect.fail('none')));
    expect([refusal.code, refusal.detail]).to.deep.equal(['platform.counter', undefined]);
    const [defect] = await framesOf(encodeFailure(new RangeError('a detail of the inside')));
    expect((await refusalOf(() => readAnswer(defect ?? expect.fail('none')))).code).to.equal('platform.failed');
    const [good] = await framesOf(encodeAnswer([1]));
    expect(readAnswer(good ?? expect.fail('none')).uint(1)).to.equal(1);
  });
});

describe('the verbs of a TrE', () => {
  it('are those of the platform and no others; none signs or quotes what it is given (F-14)', () => {
    expect([...VERB_NAMES].sort()).to.deep.equal([
      'activateCredential',
      'endorsementKey',
      'extend',
      'identity',
      'incrementCounter',
      'quote',
      'random',
      'readCounter',
      'readPcrs',
      'signHello',
    ]);
  });

  it('refuse an inspector whatever changes the TrE or speaks for the terminal', async () => {
    const platform = await new TerminalDisk().powerOn();
    const digest = new Uint8Array(32);
    const quoteFor = (purpose: string): readonly MsgpackValue[] => [
      ...[purpose, digest, 'none', new Uint8Array(), '', '', 'mrtm', 0, digest, false],
      Buffer.from('00000001000b03010000', 'hex'),
    ];
    const ask = async (verb: (typeof VERB_NAMES)[number], ...args: readonly MsgpackValue[]): Promise<unknown> =>
      serveVerb(platform, 'inspector', verb, await frameOf(...args));
    await expectRefusal(() => ask('extend', 0, digest), 'platform.refused');
    await expectRefusal(() => ask('incrementCounter', 'audit'), 'platform.refused');
    await expectRefusal(() => ask('endorsementKey'), 'platform.refused');
    await expectRefusal(() => ask('activateCredential', digest, digest), 'platform.refused');
    await expectRefusal(() => ask('signHello', digest, 'none', new Uint8Array(), '', ''), 'platform.refused');
    for (const purpose of ['enrol', 'gate', 'runtime', 'receipt', 'transfer', 'tamper']) {
      await expectRefusal(() => ask('quote', ...quoteFor(purpose)), 'platform.refused');
    }
    expect(await ask('quote', ...quoteFor('inspect'))).to.have.length(2);
  });

  it('carry an endorsement key with its certificate, one without, and none', async () => {
    const { writeAnswer, readAnswer: readBack } = VERBS.endorsementKey;
    for (const ek of [
      { area: new Uint8Array(122).fill(1), certificate: new Uint8Array(4096).fill(2) },
      { area: new Uint8Array(1), certificate: undefined },
      undefined,
    ]) {
      const fields = await frameOf(...writeAnswer(ek));
      expect(readBack(fields)).to.deep.equal(ek);
      fields.end();
    }
  });

  it(`take nothing but their own fields, and touch nothing before all were read (seed ${SEED})`, async () => {
    const platform = await new TerminalDisk().powerOn();
    const before = await platform.readPcrs();
    const value = fc.oneof(
      fc.nat(0xffffffff),
      fc.boolean(),
      fc.constantFrom('audit', 'inspect', 'none', 'mrtm', '__proto__', 'x'.repeat(300)),
      fc.uint8Array({ maxLength: 40 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...VERB_NAMES), fc.array(value, { maxLength: 12 }), async (verb, args) => {
        try {
          await serveVerb(platform, 'agent', verb, await frameOf(...args));
        } catch (error) {
          expect(error).to.be.instanceOf(AgentError);
        }
      }),
      { seed: SEED, numRuns: 400 },
    );
    await expectRefusal(async () => {
      await serveVerb(platform, 'agent', 'extend', await frameOf(0, new Uint8Array(32), 'more'));
    }, 'platform.refused');
    expect(await platform.readPcrs()).to.deep.equal(before);
    expect(Object.keys(VERBS)).to.have.length(VERB_NAMES.length);
  });
});
