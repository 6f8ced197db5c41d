import { expect } from 'chai';
import { WallClock } from '../../src/daemon/wall-clock.ts';

const START = 1_700_000_000_000;
const HOUR = 3_600_000;

/** A system clock that people set, over a monotonic one that they cannot. */
class System {
  wall = START;
  monotonic = 5000;

  /** Time passes on both. */
  pass(ms: number): void {
    this.wall += ms;
    this.monotonic += ms;
  }

  clock(floor = 0): WallClock {
    return new WallClock({ wall: () => Math.floor(this.wall), monotonic: () => this.monotonic }, floor);
  }
}

describe('WallClock', () => {
  it('follows the system', () => {
    const system = new System();
    const clock = system.clock();
    expect(clock.now()).to.equal(START);
    system.pass(1234);
    expect(clock.now()).to.equal(START + 1234);
    expect(clock.step()).to.equal(undefined);
  });

  it('never goes back where the system does, and does not stand still: evidence ages (F-25)', () => {
    const system = new System();
    const clock = system.clock();
    system.wall -= HOUR;
    expect(clock.now()).to.equal(START);
    system.pass(60_000);
    expect(clock.now()).to.equal(START + 60_000);
    expect(clock.step(), 'nobody is excused by a clock that went back').to.equal(undefined);
  });

  it('does not stand still either where it is read more often than every millisecond (F-25)', () => {
    const system = new System();
    const clock = system.clock();
    system.wall -= HOUR;
    for (let i = 0; i < 10_000; i++) {
      system.pass(0.25);
      clock.now();
    }
    expect(clock.now()).to.equal(START + 2500);
  });

  it('goes on from the latest time known from before (F-25)', () => {
    const system = new System();
    const clock = system.clock(START + HOUR);
    expect(clock.now()).to.equal(START + HOUR);
    system.pass(1000);
    expect(clock.now()).to.equal(START + HOUR + 1000);
  });

  it('follows the system again once that has caught up', () => {
    const system = new System();
    const clock = system.clock(START + 1000);
    system.wall += 3000;
    expect(clock.now()).to.equal(START + 3000);
  });

  it('gives whole milliseconds', () => {
    const system = new System();
    const clock = system.clock();
    system.monotonic += 0.75;
    expect(Number.isInteger(clock.now())).to.equal(true);
  });

  it('tells that it was put forward, once, and from when to when', () => {
    const system = new System();
    const clock = system.clock();
    system.pass(1000);
    system.wall += HOUR;
    expect(clock.step()).to.deep.equal({ from: START + 1000, to: START + 1000 + HOUR });
    expect(clock.step()).to.equal(undefined);
  });

  it('tells it whoever has read the time in between', () => {
    const system = new System();
    const clock = system.clock();
    system.wall += HOUR;
    expect(clock.now()).to.equal(START + HOUR);
    system.pass(100);
    clock.now();
    expect(clock.step()).to.deep.equal({ from: START, to: START + HOUR });
  });

  it('joins steps that nobody has asked about', () => {
    const system = new System();
    const clock = system.clock();
    for (let i = 0; i < 3; i++) {
      system.wall += HOUR;
      clock.now();
    }
    expect(clock.step()).to.deep.equal({ from: START, to: START + 3 * HOUR });
  });

  it('tolerates what NTP slews, and what a busy process sleeps', () => {
    const system = new System();
    const clock = system.clock();
    system.wall += 5000;
    expect(clock.step()).to.equal(undefined);
    system.pass(10 * HOUR);
    expect(clock.step(), 'a long time without a reading is no step').to.equal(undefined);
  });

  it('is not fooled by a monotonic source that goes back', () => {
    const system = new System();
    const clock = system.clock();
    system.monotonic -= 1000;
    expect(clock.now()).to.equal(START);
  });
});
