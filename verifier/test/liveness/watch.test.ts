import { expect } from 'chai';
import { WallClock } from '../../src/daemon/wall-clock.ts';
import type { TerminalRecord } from '../../src/endpoint/terminal-record.ts';
import { LivenessWatch } from '../../src/liveness/watch.ts';
import { GroupCommit } from '../../src/store/group-commit.ts';
import {
  latestMoment,
  readHeartbeat,
  readOutage,
  type SeenSession,
  writeHeartbeat,
  writeOutage,
} from '../../src/store/liveness.ts';
import { history } from '../../src/store/results.ts';
import { findToken } from '../../src/store/tokens.ts';
import {
  addTokenFor,
  bytes,
  DAY_MS,
  enrolled,
  OPERATOR,
  stored,
  type TemporaryStore,
  temporaryStore,
} from '../store/fixture.ts';

const START = 1_700_000_000_000;
const POLICY = { graceMs: 80, freshnessMs: 100_000 };
const INTERVAL_MS = 25_000;

/** A verifier's watch over a store, on a clock that the test sets. */
class Watched {
  readonly store: TemporaryStore;
  readonly warnings: unknown[] = [];
  readonly errors: unknown[] = [];
  readonly group: GroupCommit;
  /** transactions that the group made */
  committed = 0;
  readonly seen: SeenSession[] = [];
  wall = START;
  monotonic = 0;
  clock: WallClock;
  #watch: LivenessWatch | undefined;
  #pinged: () => void = () => undefined;

  constructor(store: TemporaryStore) {
    this.store = store;
    this.group = new GroupCommit(store.db, OPERATOR, {
      observer: {
        committed: () => {
          this.committed += 1;
        },
        failed: () => undefined,
      },
    });
    this.clock = this.#newClock();
  }

  pass(ms: number): void {
    this.wall += ms;
    this.monotonic += ms;
  }

  /** Time passes while the verifier runs: a pass in every quarter of the grace. */
  async live(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= POLICY.graceMs / 4) {
      this.pass(Math.min(left, POLICY.graceMs / 4));
      await this.passMade();
    }
  }

  get watch(): LivenessWatch {
    if (this.#watch === undefined) expect.fail('not open');
    return this.#watch;
  }

  /** A verifier starts; the clock goes on from what is stored. */
  async open(): Promise<void> {
    await this.#watch?.stop();
    this.clock = this.#newClock(await latestMoment(this.store.db, OPERATOR));
    this.#watch = await LivenessWatch.open({
      db: this.store.db,
      group: this.group,
      operator: OPERATOR,
      policy: POLICY,
      intervalMs: INTERVAL_MS,
      clock: this.clock,
      log: {
        info: () => undefined,
        warn: (fields) => this.warnings.push(fields),
        error: (fields) => this.errors.push(fields),
      },
    });
    this.#watch.start(() => {
      this.#pinged();
      return this.seen.splice(0);
    });
  }

  /** At least one whole pass has been made since. */
  async passMade(): Promise<void> {
    for (let i = 0; i < 2; i++) {
      await new Promise<void>((resolve) => {
        this.#pinged = resolve;
      });
    }
  }

  async verdicts(terminal: string): Promise<readonly string[]> {
    const { decisions } = await history(this.store.db, OPERATOR, terminal, 100);
    return decisions.map(({ verdict, code }) => (code === null ? verdict : `${verdict} ${code}`));
  }

  async stop(): Promise<void> {
    await this.#watch?.stop();
    await this.store.remove();
  }

  #newClock(floor = 0): WallClock {
    return new WallClock({ wall: () => this.wall, monotonic: () => this.monotonic }, floor);
  }
}

describe('LivenessWatch', () => {
  let watched: Watched;
  /** A terminal that was seen and affirmed a moment ago. */
  async function trusted(terminal: string, number = 1): Promise<TerminalRecord> {
    const { db } = watched.store;
    await enrolled(db, terminal, number);
    await db
      .updateTable('terminals')
      .set({ last_seen_at: watched.wall, last_affirmed_at: watched.wall, last_verdict: 'trusted' })
      .where('terminal', '=', terminal)
      .execute();
    return await stored(db, terminal);
  }

  beforeEach(async () => {
    watched = new Watched(await temporaryStore());
  });
  afterEach(async () => {
    await watched.stop();
  });

  it('excuses nobody in a store where no verifier ever ran', async () => {
    const record = await trusted('t-1');
    await watched.open();
    expect(watched.watch.judge(record, watched.wall).verdict).to.equal('trusted');
    expect(watched.watch.judge(record, watched.wall + 81).codes).to.deep.equal(['connection.lost']);
  });

  it('blames nobody for the time without a verifier, for one interval', async () => {
    const record = await trusted('t-1');
    await writeHeartbeat(watched.store.db, OPERATOR, watched.wall);
    watched.pass(DAY_MS);
    await watched.open();
    const started = watched.wall;
    expect(watched.watch.judge(record, started).verdict).to.equal('trusted');
    expect(watched.watch.judge(record, started + INTERVAL_MS - 1).verdict).to.equal('trusted');
    expect(watched.watch.judge(record, started + INTERVAL_MS).verdict).to.equal('unreachable');
  });

  it('blames nobody for it after a second restart either, as long as the first is excused', async () => {
    const record = await trusted('t-1');
    await writeHeartbeat(watched.store.db, OPERATOR, watched.wall);
    watched.pass(DAY_MS);
    await watched.open();
    watched.pass(1000);
    await watched.open();
    expect(watched.watch.judge(record, watched.wall).verdict).to.equal('trusted');
    expect(watched.watch.judge(record, watched.wall + INTERVAL_MS).verdict).to.equal('unreachable');
  });

  it('does blame for what was before an outage that is over', async () => {
    const record = await trusted('t-1');
    await writeOutage(watched.store.db, OPERATOR, { from: START, until: START + INTERVAL_MS });
    await writeHeartbeat(watched.store.db, OPERATOR, START + INTERVAL_MS);
    watched.pass(DAY_MS);
    await watched.open();
    expect(watched.watch.judge(record, watched.wall).verdict).to.equal('unreachable');
  });

  it('blames nobody for the time in which it stood still, though no clock was put forward', async () => {
    const record = await trusted('t-1');
    await watched.open();
    await watched.passMade();
    watched.pass(DAY_MS);
    expect(watched.watch.judge(record, watched.clock.now()).verdict, 'before the next pass').to.equal('trusted');
    await watched.passMade();
    await watched.passMade();
    expect(await watched.verdicts('t-1')).to.deep.equal([]);
    expect(watched.warnings).to.deep.equal([{ from: START, to: START + DAY_MS }]);
    expect(watched.watch.judge(record, watched.wall + INTERVAL_MS).verdict).to.equal('unreachable');
  });

  it('notes an outage before its heartbeat hides it: a verifier that dies in between excuses it still', async () => {
    const record = await trusted('t-1');
    await watched.open();
    await watched.passMade();
    watched.pass(DAY_MS);
    await watched.passMade();
    watched.pass(1);
    await watched.open();
    expect(watched.watch.judge(record, watched.wall).verdict).to.equal('trusted');
  });

  it('excuses what another verifier of the operator excuses, so that two judge a row alike', async () => {
    const record = await trusted('t-1');
    await watched.open();
    const theirs = { from: START, until: START + DAY_MS };
    await writeOutage(watched.store.db, OPERATOR, theirs);
    await watched.live(81);
    expect(watched.watch.judge(record, watched.wall).verdict).to.equal('trusted');
    expect(await watched.verdicts('t-1')).to.deep.equal([]);
    expect(await readOutage(watched.store.db, OPERATOR)).to.deep.equal(theirs);
  });

  it('writes the heartbeat when it opens, and again as long as it runs', async () => {
    const { db } = watched.store;
    await watched.open();
    expect(await readHeartbeat(db, OPERATOR)).to.equal(START);
    watched.pass(1000);
    await watched.passMade();
    expect(await readHeartbeat(db, OPERATOR)).to.equal(START + 1000);
  });

  it('tells by its heartbeat that the store works, though nothing else is written', async () => {
    await watched.open();
    const before = watched.committed;
    await watched.passMade();
    expect(watched.committed).to.be.greaterThan(before);
  });

  it('notes who answered a ping, and records the verdict of who did not', async () => {
    const seen = await trusted('t-1', 1);
    await trusted('t-2', 2);
    await watched.open();
    for (const ms of [20, 20, 20, 20, 1]) {
      watched.seen.push(seen);
      await watched.live(ms);
    }
    watched.seen.push(seen);
    await watched.passMade();
    await watched.passMade();
    expect((await stored(watched.store.db, 't-1')).lastSeenAt).to.equal(watched.wall);
    expect((await stored(watched.store.db, 't-2')).lastSeenAt).to.equal(START);
    expect(await watched.verdicts('t-1')).to.deep.equal([]);
    expect(await watched.verdicts('t-2')).to.deep.equal(['unreachable connection.lost']);
  });

  it('excuses everybody for one interval where the clock was put forward (F-25)', async () => {
    const record = await trusted('t-1');
    await watched.open();
    watched.wall += DAY_MS;
    await watched.passMade();
    await watched.passMade();
    expect(await watched.verdicts('t-1')).to.deep.equal([]);
    expect(watched.warnings).to.deep.equal([{ from: START, to: START + DAY_MS }]);
    expect(watched.watch.judge(record, watched.wall + INTERVAL_MS).verdict).to.equal('unreachable');
  });

  it('does so from the very moment, before the next pass, and though others read the clock first (F-25)', async () => {
    const record = await trusted('t-1');
    await watched.open();
    watched.wall += DAY_MS;
    expect(watched.watch.judge(record, watched.clock.now()).verdict).to.equal('trusted');
  });

  it('does not blame for the time without a verifier because the clock was put forward as well', async () => {
    const record = await trusted('t-1');
    await writeHeartbeat(watched.store.db, OPERATOR, watched.wall);
    watched.pass(DAY_MS);
    await watched.open();
    watched.pass(1000);
    watched.wall += DAY_MS;
    expect(watched.watch.judge(record, watched.clock.now()).verdict).to.equal('trusted');
    expect(watched.watch.judge(record, watched.clock.now() + INTERVAL_MS).verdict).to.equal('unreachable');
  });

  it('a clock that goes back makes nobody trusted: evidence ages on (F-25)', async () => {
    const record = await trusted('t-1');
    await watched.open();
    await watched.live(81);
    expect(watched.watch.judge(record, watched.clock.now()).verdict).to.equal('unreachable');
    watched.wall -= DAY_MS;
    expect(watched.watch.judge(record, watched.clock.now()).verdict).to.equal('unreachable');
    expect(watched.warnings).to.deep.equal([]);
  });

  it('a clock that went back while no verifier ran does so neither: the store knows a floor (F-25)', async () => {
    const record = await trusted('t-1');
    await watched.open();
    await watched.live(81);
    await watched.passMade();
    expect(await watched.verdicts('t-1')).to.deep.equal(['unreachable connection.lost']);
    watched.wall -= DAY_MS;
    await watched.open();
    expect(watched.clock.now()).to.equal(START + 81);
    expect(watched.watch.judge(record, watched.clock.now()).verdict).to.equal('unreachable');
  });

  it('goes on from what is stored after a restart: nobody is lost, nobody is judged twice', async () => {
    await trusted('t-1');
    await watched.open();
    await watched.live(81);
    await watched.passMade();
    await watched.open();
    await watched.passMade();
    expect(await watched.verdicts('t-1')).to.deep.equal(['unreachable connection.lost']);
  });

  it('forgets tokens a day after their end, not before', async () => {
    const { db } = watched.store;
    watched.wall = 1000 + DAY_MS;
    await addTokenFor(db, 't-1', 7);
    await watched.open();
    watched.pass(DAY_MS);
    await watched.passMade();
    expect(await findToken(db, OPERATOR, bytes(32, 7), 0)).to.not.equal(undefined);
    watched.pass(1);
    await watched.passMade();
    expect(await findToken(db, OPERATOR, bytes(32, 7), 0)).to.equal(undefined);
  });

  it('outlives a pass that fails, and makes up for it', async () => {
    const { db } = watched.store;
    await trusted('t-1');
    await watched.open();
    await db.schema.alterTable('meta').renameTo('meta_away').execute();
    await watched.live(81);
    expect(watched.errors.length).to.be.greaterThan(0);
    await db.schema.alterTable('meta_away').renameTo('meta').execute();
    await watched.passMade();
    await watched.passMade();
    expect(await watched.verdicts('t-1')).to.deep.equal(['unreachable connection.lost']);
  });

  it('makes no pass after it was stopped', async () => {
    await watched.open();
    await watched.passMade();
    await watched.watch.stop();
    const { db } = watched.store;
    const before = await readHeartbeat(db, OPERATOR);
    watched.pass(1000);
    await watched.watch.stop();
    expect(await readHeartbeat(db, OPERATOR)).to.equal(before);
  });
});
