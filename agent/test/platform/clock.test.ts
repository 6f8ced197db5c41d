import type { ClockReading } from '@mtm-attest/protocol';
import { clockBreak, fromHex, parseAttest } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { random } from '../../src/fleet/power.ts';
import { CLOCK_SAVE_MS } from '../../src/platform/soft/clock.ts';
import { SoftPlatform } from '../../src/platform/soft/soft-platform.ts';
import { StateFile } from '../../src/platform/soft/state-file.ts';
import { Secret } from '../../src/secret.ts';
import { MemoryFiles } from '../../src/storage/memory-files.ts';
import { seeded } from '../seed.ts';

const KEY = new Secret(new Uint8Array(32));
const SEED = 20_260_101;

/** A TrE whose time the test makes. */
class Timed {
  readonly files = new MemoryFiles();
  #now = 0;
  #platform: SoftPlatform | undefined;

  async powerOn(): Promise<void> {
    const state = new StateFile(this.files, KEY, random);
    this.#platform = await SoftPlatform.start({ state, protection: 'memory', now: () => this.#now, random });
  }

  pass(ms: number): void {
    this.#now += ms;
  }

  async powerOff(): Promise<void> {
    await this.#platform?.close();
  }

  async read(): Promise<ClockReading> {
    const quote = await this.#platform?.quote({
      purpose: 'inspect',
      challengeDigest: new Uint8Array(32),
      binding: { type: 'none', value: new Uint8Array() },
      audience: '',
      terminal: '',
      compartment: 'mrtm',
      ownershipEpoch: 0n,
      claimsDigest: new Uint8Array(32),
      bindSessionKey: false,
      selection: fromHex('00000001000b03010000'),
    });
    return parseAttest(quote?.attest ?? new Uint8Array(), 'quote').clockInfo;
  }
}

describe('the clock of a soft TrE', () => {
  it('counts milliseconds of powered time and goes on after an orderly stop, safe', async () => {
    const tre = new Timed();
    await tre.powerOn();
    tre.pass(1500);
    expect(await tre.read()).to.deep.equal({ clock: 1500n, resetCount: 1, restartCount: 0, safe: true });
    await tre.powerOff();
    tre.pass(60_000);
    await tre.powerOn();
    tre.pass(1);
    expect(await tre.read()).to.deep.equal({ clock: 1501n, resetCount: 2, restartCount: 0, safe: true });
  });

  it('may lag after a power cut, and is not safe until it has passed every value that it may have shown', async () => {
    const tre = new Timed();
    await tre.powerOn();
    tre.pass(CLOCK_SAVE_MS - 1);
    const shown = await tre.read();
    await tre.powerOn();
    tre.pass(1000);
    const lagging = await tre.read();
    expect(lagging).to.deep.equal({ clock: 1000n, resetCount: 2, restartCount: 0, safe: false });
    tre.pass(CLOCK_SAVE_MS);
    const { clock, safe } = await tre.read();
    expect(clock > shown.clock && safe).to.equal(true);
  });

  it('does not become safe by an orderly stop while it still lags', async () => {
    const tre = new Timed();
    await tre.powerOn();
    tre.pass(4000);
    const shown = await tre.read();
    await tre.powerOn();
    tre.pass(10);
    expect((await tre.read()).safe).to.equal(false);
    await tre.powerOff();
    await tre.powerOn();
    const reading = await tre.read();
    expect(reading.clock < shown.clock && !reading.safe).to.equal(true);
  });

  it(`is safe only above every clock shown before, in any order of stops (seed ${SEED})`, async () => {
    const below = seeded(SEED);
    const tre = new Timed();
    let highest = -1n;
    let before: ClockReading | undefined;
    await tre.powerOn();
    for (let step = 0; step < 2000; step++) {
      tre.pass(below(10) === 0 ? below(2 * CLOCK_SAVE_MS) : below(1000));
      const reading = await tre.read();
      if (reading.safe) expect(reading.clock >= highest, `step ${step}`).to.equal(true);
      if (before !== undefined) {
        expect(clockBreak(before, reading), `step ${step}`).to.equal(undefined);
        if (before.resetCount === reading.resetCount) expect(reading.clock >= before.clock).to.equal(true);
      }
      highest = reading.clock > highest ? reading.clock : highest;
      before = reading;
      const event = below(6);
      if (event === 0) await tre.powerOff();
      if (event <= 1) await tre.powerOn();
    }
  });
});
