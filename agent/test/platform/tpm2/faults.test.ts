import { expect } from 'chai';
import fc from 'fast-check';
import { AgentError } from '../../../src/error.ts';
import type { Tpm2Platform } from '../../../src/platform/tpm2/tpm2-platform.ts';
import { Secret } from '../../../src/secret.ts';
import { MemoryFiles } from '../../../src/storage/memory-files.ts';
import { sealPolicyDigest } from '../../../src/tpm2/sealing.ts';
import { refusal, Tap } from '../../tpm2/fake-transport.ts';
import { swtpmIsInstalled } from '../../tpm2/swtpm.ts';
import { requestFor, SELECTION } from '../quoting.ts';
import { SwtpmMachine } from './swtpm-machine.ts';

const SEED = 20_261_125;
const RUNS = 300;
const ZEROS = new Uint8Array(32);

/** Everything that an agent asks of its TPM, once. */
async function everything(platform: Tpm2Platform): Promise<void> {
  await platform.extend(23, ZEROS);
  await platform.readPcrs();
  await platform.incrementCounter('audit');
  await platform.quote(requestFor('fault'));
  await platform.signHello({
    nonce: ZEROS,
    binding: { type: 'tls-exporter', value: ZEROS },
    audience: 'operator.example',
    terminal: 'terminal-1',
  });
  await platform.random(40);
  await platform.endorsementKey();
  const policy = { selection: SELECTION, pcrDigest: ZEROS };
  const blob = await platform.seal(new Secret(ZEROS), sealPolicyDigest(policy));
  await platform.unseal(blob, policy).catch((error: unknown) => {
    if (!(error instanceof AgentError && error.code === 'tpm.policy')) throw error;
  });
  await platform.close();
}

/** How an answer goes wrong. @param at any number, to choose a place by */
const FAULTS: readonly ((response: Uint8Array, at: number) => Uint8Array)[] = [
  (response, at) => response.subarray(0, at % response.length),
  (response, at) => response.map((byte, i) => (i === at % response.length ? byte ^ (1 << (at & 7)) : byte)),
  (response, at) => response.map((byte, i) => (i >= at % response.length ? 0xff : byte)),
  (response, at) => Uint8Array.of(...response.subarray(0, 10), ...new Uint8Array(at % 64), ...response.subarray(10)),
  (response) => response.map((byte, i) => (i < 6 ? byte : 0)),
  (_response, at) => refusal(at % 0x1000),
  () => new Uint8Array(),
];

describe('the tpm2 back end, where answers go wrong', () => {
  let machine: SwtpmMachine | undefined;

  before(function () {
    if (!swtpmIsInstalled()) this.skip();
  });

  after(() => machine?.remove());

  it('refuses by code whatever is cut, flipped, garbled, padded or made up, and hangs nowhere (F-19)', async () => {
    const faulty = new SwtpmMachine();
    machine = faulty;
    await everything(await faulty.powerOn());
    let count = 0;
    let altered = -1;
    let fault: (response: Uint8Array) => Uint8Array = (response) => response;
    faulty.wrap = (transport) => {
      const tap = new Tap(transport);
      tap.alter = (_command, response) => {
        count += 1;
        return count - 1 === altered ? fault(response) : response;
      };
      return tap;
    };
    const run = async (): Promise<unknown> => {
      count = 0;
      faulty.files = new MemoryFiles();
      const client = faulty.open().then(everything);
      return client.then(
        () => undefined,
        async (error: unknown) => {
          await faulty.client?.close();
          return error;
        },
      );
    };
    expect(await run()).to.equal(undefined);
    const commands = count;
    expect(commands).to.be.greaterThan(40);
    let refused = 0;
    const property = fc.asyncProperty(
      fc.integer({ min: 0, max: commands - 1 }),
      fc.constantFrom(...FAULTS),
      fc.integer({ min: 0, max: 0xffff }),
      async (which, how, at) => {
        altered = which;
        fault = (response) => how(response, at);
        const error = await run();
        if (error === undefined) return;
        refused += 1;
        expect(error, error instanceof Error ? error.stack : '').to.be.instanceOf(AgentError);
        expect(error)
          .to.have.property('code')
          .that.matches(/^(tpm|platform)\./);
      },
    );
    await fc.assert(property, { seed: SEED, numRuns: RUNS });
    expect(refused).to.be.greaterThan(RUNS / 2);
    altered = -1;
    expect(await run(), 'sound again').to.equal(undefined);
  });
});
