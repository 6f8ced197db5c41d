import { expect } from 'chai';
import { Kysely, sql } from 'kysely';
import { VerifierError } from '../../src/error.ts';
import { ledgerSize, readLeaf } from '../../src/ledger/append.ts';
import { leafHash } from '../../src/ledger/tree.ts';
import { GroupCommit, type GroupObserver, MAX_GROUP, type ResultOutcome } from '../../src/store/group-commit.ts';
import { writeMeta } from '../../src/store/meta.ts';
import { SqliteEngineDialect } from '../../src/store/sqlite/dialect.ts';
import { openEngine } from '../../src/store/sqlite/engine.ts';
import type { Tables } from '../../src/store/tables.ts';
import { announceBoot, noteLate, raiseSession } from '../../src/store/terminals.ts';
import {
  acceptedState,
  enrolled,
  OPERATOR,
  stored,
  type TemporaryStore,
  temporaryStore,
  trustedResult,
  untrustedResult,
} from './fixture.ts';

class Counted implements GroupObserver {
  readonly sizes: number[] = [];
  failures = 0;

  committed(entries: number): void {
    this.sizes.push(entries);
  }

  failed(): void {
    this.failures += 1;
  }
}

const BOOT = { resetCount: 4, restartCount: 0 };

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was not rejected');
}

describe('group commit', () => {
  let store: TemporaryStore;
  let observer: Counted;
  let group: GroupCommit;

  beforeEach(async () => {
    store = await temporaryStore();
    observer = new Counted();
    group = new GroupCommit(store.db, OPERATOR, { observer });
  });

  afterEach(async () => {
    await store.remove();
  });

  async function terminals(count: number): Promise<Awaited<ReturnType<typeof enrolled>>[]> {
    const records = [];
    for (let i = 0; i < count; i++) records.push(await enrolled(store.db, `t-${String(i).padStart(3, '0')}`, i));
    return records;
  }

  it('writes row, result and leaf together and answers with index and RFC 9162 leaf hash', async () => {
    const record = await enrolled(store.db, 't-1');
    const item = trustedResult(record, 1);
    const outcome = await group.commit(item);
    expect(outcome).to.deep.equal({ kind: 'committed', ledgerIndex: 0, leafHash: leafHash(item.body) });
    const leaf = await readLeaf(store.db, OPERATOR, 0);
    expect(leaf).to.deep.equal({ leafHash: leafHash(item.body), body: item.body });
    const after = await stored(store.db, 't-1');
    expect(after).to.deep.equal({
      ...record,
      ...item.settled,
      nextAuditAt: item.nextAuditAt,
      version: record.version + 1,
    });
    expect(after.accepted).to.deep.equal(acceptedState(1));
  });

  it('keeps a condemnation and the reasons exactly', async () => {
    const record = await enrolled(store.db, 't-1');
    const item = untrustedResult(record, 1);
    await group.commit(item);
    expect((await stored(store.db, 't-1')).condemned).to.deep.equal(item.settled.condemned);
  });

  it('answers only after the commit: another connection sees the row by then (invariant 6)', async () => {
    const other = await openEngine(store.path);
    const count = other.prepare('SELECT count(*) AS n FROM results');
    const records = await terminals(20);
    const seen = await Promise.all(
      records.map(async (record) => {
        await group.commit(trustedResult(record, 1));
        return count.all([])[0]?.['n'];
      }),
    );
    other.close();
    expect(new Set(seen)).to.deep.equal(new Set([20]));
  });

  it('takes everything of one turn into one transaction, rows in the order of terminal ids, up to its limit', async () => {
    const records = await terminals(MAX_GROUP + 10);
    const outcomes = await Promise.all(records.toReversed().map((record) => group.commit(trustedResult(record, 1))));
    expect(observer.sizes).to.deep.equal([MAX_GROUP, 10]);
    const indices = outcomes.toReversed().map((outcome) => (outcome.kind === 'committed' ? outcome.ledgerIndex : -1));
    expect(indices.slice(10)).to.deep.equal(records.slice(10).map((_, i) => i));
    expect(indices.slice(0, 10)).to.deep.equal(records.slice(0, 10).map((_, i) => MAX_GROUP + i));
  });

  it('gathers what comes in many turns, until the time is over, the group is full or somebody waits for the end', async () => {
    const records = await terminals(MAX_GROUP + 3);
    const patient = new GroupCommit(store.db, OPERATOR, { observer, gatherMs: 3_600_000 });
    const outcomes: Promise<ResultOutcome>[] = [];
    for (const record of records.slice(0, 3)) {
      outcomes.push(patient.commit(trustedResult(record, 1)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(observer.sizes, 'nothing yet').to.deep.equal([]);
    await patient.idle();
    expect(observer.sizes, 'somebody waits').to.deep.equal([3]);
    outcomes.push(...records.slice(3).map((record) => patient.commit(trustedResult(record, 1))));
    await Promise.all(outcomes);
    expect(observer.sizes, 'the group is full').to.deep.equal([3, MAX_GROUP]);
    const hasty = new GroupCommit(store.db, OPERATOR, { observer, gatherMs: 1 });
    expect((await hasty.commit(trustedResult(await stored(store.db, 't-000'), 2))).kind).to.equal('committed');
  });

  it('a thousand new sessions are a few transactions, and each answer is the row after the rise', async () => {
    const records = await terminals(40);
    const storm = Array.from({ length: 25 }, () => records).flat();
    const raised = await Promise.all(
      storm.map(({ terminal }) => group.change(terminal, (tx) => raiseSession(tx, OPERATOR, terminal, 5000))),
    );
    expect(observer.sizes).to.deep.equal([256, 256, 256, 232]);
    expect(Math.max(...raised.map((row) => row?.session ?? 0))).to.equal(26);
    expect((await stored(store.db, 't-007')).session).to.equal(26);
  });

  it('a result on an older version is a conflict and leaves no leaf', async () => {
    const record = await enrolled(store.db, 't-1');
    const [first, second] = await Promise.all([
      group.commit(trustedResult(record, 1)),
      group.commit(trustedResult(record, 2)),
    ]);
    expect([first.kind, second.kind]).to.deep.equal(['committed', 'conflict']);
    expect(await ledgerSize(store.db, OPERATOR)).to.equal(1);
  });

  it('a result under older Reference Values than the store has is a conflict: another process published (F-30)', async () => {
    const record = await enrolled(store.db, 't-1');
    await writeMeta(store.db, OPERATOR, 'referenceRevision', '7');
    expect((await group.commit(trustedResult(record, 1, { referenceRevision: 6 }))).kind).to.equal('conflict');
    expect(await ledgerSize(store.db, OPERATOR)).to.equal(0);
    expect((await stored(store.db, 't-1')).accepted).to.equal(undefined);
    expect((await group.commit(trustedResult(record, 1, { referenceRevision: 7 }))).kind).to.equal('committed');
  });

  it('a result of an older session never commits, in the same group or later (F-59)', async () => {
    const record = await enrolled(store.db, 't-1');
    const raised = group.change('t-1', (tx) => raiseSession(tx, OPERATOR, 't-1', 5000));
    const late = group.commit(trustedResult(record, 1));
    await raised;
    expect((await late).kind).to.equal('session-gone');
    expect((await group.commit(trustedResult(record, 2))).kind).to.equal('session-gone');
    expect((await group.commit(trustedResult({ ...record, terminal: 'nobody' }, 1))).kind).to.equal('session-gone');
    expect(await ledgerSize(store.db, OPERATOR)).to.equal(0);
    expect((await stored(store.db, 't-1')).accepted).to.equal(undefined);
  });

  it('one that leaves the group costs the others no sequence: the ledger has no gap', async () => {
    const records = await terminals(5);
    const outcomes = await Promise.all(
      records.map((record, i) => group.commit(trustedResult(i % 2 === 0 ? record : { ...record, version: 99 }, 1))),
    );
    expect(outcomes.map(({ kind }) => kind)).to.deep.equal([
      'committed',
      'conflict',
      'committed',
      'conflict',
      'committed',
    ]);
    expect(await sequences()).to.deep.equal([0, 1, 2]);
    await group.commit(trustedResult(await stored(store.db, 't-001'), 2));
    expect(await sequences()).to.deep.equal([0, 1, 2, 3]);
  });

  it('goes on where the ledger ended after a restart', async () => {
    const records = await terminals(3);
    await Promise.all(records.map((record) => group.commit(trustedResult(record, 1))));
    store = await store.reopen();
    const again = new GroupCommit(store.db, OPERATOR);
    const outcome = await again.commit(trustedResult(await stored(store.db, 't-000'), 2));
    expect(outcome).to.include({ kind: 'committed', ledgerIndex: 3 });
  });

  it('a transaction that fails after its rows were written leaves nothing of them', async () => {
    const records = await terminals(6);
    await sql`CREATE TRIGGER full BEFORE INSERT ON ledger WHEN NEW.sequence = 3
      BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`.execute(store.db);
    const outcomes = await Promise.allSettled(records.map((record) => group.commit(trustedResult(record, 1))));
    const kinds = outcomes.map(({ status }) => status);
    expect(kinds).to.deep.equal(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected']);
    for (const outcome of outcomes.slice(3)) {
      const reason: unknown = outcome.status === 'rejected' ? outcome.reason : undefined;
      expect(reason).to.be.instanceOf(VerifierError).with.property('code', 'store.failed');
    }
    expect(await sequences()).to.deep.equal([0, 1, 2]);
    for (const [i, record] of records.entries()) {
      const results = await sql`SELECT 1 FROM results WHERE terminal = ${record.terminal}`.execute(store.db);
      expect(results.rows.length, record.terminal).to.equal(i < 3 ? 1 : 0);
      expect((await stored(store.db, record.terminal)).version, record.terminal).to.equal(i < 3 ? 1 : 0);
    }
    await sql`DROP TRIGGER full`.execute(store.db);
    expect(await group.commit(trustedResult(records[5] ?? expect.fail(), 2))).to.include({ ledgerIndex: 3 });
  });

  it('one entry that the store refuses does not take its neighbours with it', async () => {
    const records = await terminals(8);
    await sql`CREATE TRIGGER poison BEFORE UPDATE ON terminals WHEN NEW.terminal = 't-004'
      BEGIN SELECT RAISE(ABORT, 'refused'); END`.execute(store.db);
    const outcomes = await Promise.allSettled(records.map((record) => group.commit(trustedResult(record, 1))));
    expect(outcomes.map(({ status }) => status).filter((status) => status === 'rejected')).to.have.length(1);
    expect(outcomes[4]?.status).to.equal('rejected');
    expect(await sequences()).to.deep.equal([0, 1, 2, 3, 4, 5, 6]);
    expect(observer.failures).to.equal(2);
  });

  describe('where COMMIT itself fails (invariant 6)', () => {
    /** A second connection to the store whose COMMIT fails: once, before or after it took effect; then maybe every statement. */
    async function failing(how: 'before' | 'after' | 'after-and-silent'): Promise<GroupCommit> {
      const engine = await openEngine(store.path);
      let due = true;
      let silent = false;
      const db = new Kysely<Tables>({
        dialect: new SqliteEngineDialect({
          ...engine,
          prepare: (text) => {
            if (silent) throw ioError();
            return engine.prepare(text);
          },
          exec: (text) => {
            if (text !== 'commit' || !due) {
              engine.exec(text);
              return;
            }
            due = false;
            if (how !== 'before') engine.exec(text);
            silent = how === 'after-and-silent';
            throw ioError();
          },
        }),
      });
      opened.push(db);
      return new GroupCommit(db, OPERATOR, { observer });
    }

    const opened: Kysely<Tables>[] = [];
    afterEach(async () => {
      for (const db of opened.splice(0)) await db.destroy();
    });

    const ioError = (): Error => Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' });

    it('what took effect all the same is answered, and not written again', async () => {
      const records = await terminals(4);
      const broken = await failing('after');
      const outcomes = await Promise.all(records.map((record) => broken.commit(trustedResult(record, 1))));
      expect(outcomes.map(({ kind }) => kind)).to.deep.equal(Array(4).fill('committed'));
      expect(await sequences()).to.deep.equal([0, 1, 2, 3]);
      expect(await broken.commit(trustedResult(await stored(store.db, 't-001'), 2))).to.include({ ledgerIndex: 4 });
    });

    it('what did not take effect is written anew', async () => {
      const records = await terminals(4);
      const broken = await failing('before');
      const outcomes = await Promise.all(records.map((record) => broken.commit(trustedResult(record, 1))));
      expect(outcomes.map(({ kind }) => kind)).to.deep.equal(Array(4).fill('committed'));
      expect(await sequences()).to.deep.equal([0, 1, 2, 3]);
    });

    it('where the store cannot even say, nobody is answered and nothing is settled on a row of its own', async () => {
      const records = await terminals(4);
      const broken = await failing('after-and-silent');
      const outcomes = await Promise.allSettled(records.map((record) => broken.commit(trustedResult(record, 1))));
      for (const outcome of outcomes) {
        const reason: unknown = outcome.status === 'rejected' ? outcome.reason : undefined;
        expect(reason).to.be.instanceOf(VerifierError).with.property('code', 'store.uncertain');
      }
      expect(observer.failures).to.equal(1);
    });
  });

  it('a value that an engine could choke on is refused before it gets there', async () => {
    const record = await enrolled(store.db, 't-1');
    const item = trustedResult(record, 1, { nextAuditAt: Number.NaN });
    const error = await rejection(group.commit(item));
    expect(error).to.be.instanceOf(VerifierError).with.property('code', 'store.parameter');
    expect((await group.commit(trustedResult(record, 1))).kind).to.equal('committed');
  });

  it('waits for everything handed in before it is idle', async () => {
    const records = await terminals(3);
    const outcomes: ResultOutcome[] = [];
    for (const record of records) void group.commit(trustedResult(record, 1)).then((outcome) => outcomes.push(outcome));
    await group.idle();
    expect(outcomes).to.have.length(3);
    await group.idle();
  });

  it('operators have ledgers of their own (F-92)', async () => {
    const mine = await enrolled(store.db, 't-1', 1);
    const theirs = await enrolled(store.db, 't-1', 2, 'operator-b');
    const other = new GroupCommit(store.db, 'operator-b');
    await group.commit(trustedResult(mine, 1));
    const outcome = await other.commit(trustedResult(theirs, 2));
    expect(outcome).to.include({ kind: 'committed', ledgerIndex: 0 });
    expect((await stored(store.db, 't-1')).accepted).to.deep.equal(acceptedState(1));
  });

  it('a new boot ends the admission in the present session only', async () => {
    const record = await enrolled(store.db, 't-1');
    await group.commit(trustedResult(record, 1));
    expect(await announceBoot(store.db, OPERATOR, 't-1', record.session - 1, BOOT, 6000)).to.equal(false);
    expect((await stored(store.db, 't-1')).admission).to.equal('admitted');
    expect(await announceBoot(store.db, OPERATOR, 't-1', record.session, BOOT, 6000)).to.equal(true);
    const after = await stored(store.db, 't-1');
    expect(after).to.deep.include({ admission: 'enrolled', pendingAt: 6000, announcedBoot: BOOT, version: 2 });
    await noteLate(store.db, OPERATOR, 't-1', record.session - 1, 'challenge.expired');
    expect((await stored(store.db, 't-1')).lateCode).to.equal(undefined);
    await noteLate(store.db, OPERATOR, 't-1', record.session, 'challenge.expired');
    expect((await stored(store.db, 't-1')).lateCode).to.equal('challenge.expired');
  });

  async function sequences(): Promise<readonly number[]> {
    const rows = await store.db
      .selectFrom('ledger')
      .select('sequence')
      .where('operator', '=', OPERATOR)
      .orderBy('sequence')
      .execute();
    return rows.map(({ sequence }) => sequence);
  }
});
