import type { ReasonCode, Verdict } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { ALARM_REPEAT_MS, listAlarms, raiseAlarm } from '../../src/store/alarms.ts';
import { GroupCommit } from '../../src/store/group-commit.ts';
import { readHeartbeat, recordVerdictChanges, touchLastSeen, writeHeartbeat } from '../../src/store/liveness.ts';
import { type HistoryPlace, history, latestExplanation, latestResult } from '../../src/store/results.ts';
import { listTerminals, raiseSession } from '../../src/store/terminals.ts';
import {
  enrolled,
  OPERATOR,
  stored,
  type TemporaryStore,
  temporaryStore,
  trustedResult,
  untrustedResult,
} from './fixture.ts';

describe('liveness in the store', () => {
  let store: TemporaryStore;
  let group: GroupCommit;

  beforeEach(async () => {
    store = await temporaryStore();
    group = new GroupCommit(store.db, OPERATOR);
  });

  afterEach(async () => {
    await store.remove();
  });

  const judge =
    (verdict: Verdict, ...codes: readonly ReasonCode[]) =>
    (): { verdict: Verdict; codes: readonly ReasonCode[] } => ({
      verdict,
      codes,
    });

  async function wholeHistory(terminal: string, limit: number): Promise<readonly string[]> {
    const lines: string[] = [];
    let after: HistoryPlace | undefined;
    for (;;) {
      const page = await history(store.db, OPERATOR, terminal, limit, after);
      expect(page.decisions.length).to.be.at.most(limit);
      lines.push(
        ...page.decisions.map(({ at, verdict, code, ledgerIndex }) => `${at} ${verdict} ${code} ${ledgerIndex}`),
      );
      if (page.next === undefined) return lines;
      after = page.next;
    }
  }

  it('last seen goes forward only, for the terminals named, and disturbs no result in progress', async () => {
    const record = await enrolled(store.db, 't-1', 1);
    await enrolled(store.db, 't-2', 2);
    await touchLastSeen(store.db, OPERATOR, [record], 9000);
    await touchLastSeen(store.db, OPERATOR, [record], 8000);
    expect((await stored(store.db, 't-1')).lastSeenAt).to.equal(9000);
    expect((await stored(store.db, 't-2')).lastSeenAt).to.equal(2000);
    expect((await group.commit(trustedResult(record, 1))).kind).to.equal('committed');
  });

  it('last seen is not moved by a connection that a newer session took over', async () => {
    const record = await enrolled(store.db, 't-1', 1);
    await raiseSession(store.db, OPERATOR, 't-1', 3000);
    await touchLastSeen(store.db, OPERATOR, [record], 9000);
    expect((await stored(store.db, 't-1')).lastSeenAt).to.equal(3000);
  });

  it('two verifiers that record one change record it once', async () => {
    await enrolled(store.db, 't-1', 1);
    const both = [1, 2].map(() =>
      recordVerdictChanges(store.db, OPERATOR, 9000, judge('unreachable', 'connection.lost')),
    );
    expect((await Promise.all(both)).sort()).to.deep.equal([0, 1]);
    expect(await wholeHistory('t-1', 10)).to.have.length(1);
  });

  it('a change that was judged before a hello is left to the next pass', async () => {
    await enrolled(store.db, 't-1', 1);
    let hello: Promise<unknown> = Promise.resolve();
    const changed = await recordVerdictChanges(store.db, OPERATOR, 9000, () => {
      hello = raiseSession(store.db, OPERATOR, 't-1', 8999);
      return { verdict: 'unreachable', codes: ['connection.lost'] };
    });
    await hello;
    expect(changed).to.equal(0);
  });

  it('touches more terminals than one statement takes', async () => {
    const absent = Array.from({ length: 1200 }, (_, i) => ({ terminal: `absent-${i}`, session: 1 }));
    const record = await enrolled(store.db, 't-1', 1);
    await touchLastSeen(store.db, OPERATOR, [...absent, record], 9000);
    expect((await stored(store.db, 't-1')).lastSeenAt).to.equal(9000);
  });

  it('the heartbeat survives a restart', async () => {
    expect(await readHeartbeat(store.db, OPERATOR)).to.equal(undefined);
    await writeHeartbeat(store.db, OPERATOR, 77);
    await writeHeartbeat(store.db, OPERATOR, 78);
    store = await store.reopen();
    expect(await readHeartbeat(store.db, OPERATOR)).to.equal(78);
  });

  it('a verdict that time changed is recorded once, and the way back too', async () => {
    const record = await enrolled(store.db, 't-1', 1);
    await group.commit(trustedResult(record, 1));
    const sweep = (at: number, ...args: Parameters<typeof judge>): Promise<number> =>
      recordVerdictChanges(store.db, OPERATOR, at, judge(...args));
    expect(await sweep(20_000, 'trusted')).to.equal(0);
    expect(await sweep(21_000, 'trusted', 'boot.new'), 'codes of trusted only inform').to.equal(0);
    expect(await sweep(22_000, 'stale', 'challenge.unanswered')).to.equal(1);
    expect(await sweep(23_000, 'stale', 'challenge.unanswered')).to.equal(0);
    expect(await sweep(23_000, 'stale', 'challenge.expired')).to.equal(1);
    expect(await sweep(23_000, 'unreachable', 'connection.lost')).to.equal(1);
    expect(await sweep(24_000, 'trusted')).to.equal(1);
    const expected = [
      '10001 trusted null 0',
      '22000 stale challenge.unanswered undefined',
      '23000 stale challenge.expired undefined',
      '23000 unreachable connection.lost undefined',
      '24000 trusted null undefined',
    ];
    for (const limit of [1, 2, 3, 100]) expect(await wholeHistory('t-1', limit)).to.deep.equal(expected);
  });

  it('a sweep walks all pages and leaves alone what was written to in the meantime', async () => {
    for (let i = 0; i < 3; i++) await enrolled(store.db, `t-${i}`, i);
    let raised = false;
    const changed = await recordVerdictChanges(store.db, OPERATOR, 3000, ({ terminal }) => {
      if (terminal === 't-1' && !raised) {
        raised = true;
        void store.db.updateTable('terminals').set({ version: 9 }).where('terminal', '=', 't-1').execute();
      }
      return { verdict: 'unknown', codes: ['enrolment.fresh'] };
    });
    expect(changed).to.equal(2);
    expect(await recordVerdictChanges(store.db, OPERATOR, 3001, judge('unknown', 'enrolment.fresh'))).to.equal(1);
  });

  it('a history merges results and changes by time, results first within a millisecond', async () => {
    const record = await enrolled(store.db, 't-1', 1);
    await group.commit(trustedResult(record, 1));
    await recordVerdictChanges(store.db, OPERATOR, 10_001, judge('stale', 'challenge.unanswered'));
    await group.commit(trustedResult({ ...record, version: 1 }, 2));
    await group.commit(untrustedResult({ ...record, version: 2 }, 2));
    const expected = [
      '10001 trusted null 0',
      '10001 stale challenge.unanswered undefined',
      '10002 trusted null 1',
      '10002 untrusted component.digest 2',
    ];
    for (const limit of [1, 2, 3, 4, 5]) expect(await wholeHistory('t-1', limit)).to.deep.equal(expected);
    expect(await wholeHistory('t-2', 5)).to.deep.equal([]);
  });

  it('the newest result and the newest explanation are found', async () => {
    const record = await enrolled(store.db, 't-1', 1);
    const condemning = untrustedResult(record, 1);
    expect(await latestResult(store.db, OPERATOR, 't-1')).to.equal(undefined);
    await group.commit(condemning);
    await group.commit(trustedResult({ ...record, version: 1 }, 2));
    expect(await latestResult(store.db, OPERATOR, 't-1')).to.include({ ledgerIndex: 1, verdict: 'trusted' });
    const explained = await latestExplanation(store.db, OPERATOR, 't-1');
    expect(explained).to.deep.include({
      ledgerIndex: 0,
      codes: ['component.digest'],
      explanation: condemning.explanation,
    });
  });

  it('pages of terminals follow the order of ids', async () => {
    for (const [i, name] of ['b', 'a', 'c'].entries()) await enrolled(store.db, name, i);
    await enrolled(store.db, 'other', 9, 'operator-b');
    const ids = async (limit: number, after?: string): Promise<readonly string[]> =>
      (await listTerminals(store.db, OPERATOR, limit, after)).map(({ terminal }) => terminal);
    expect(await ids(2)).to.deep.equal(['a', 'b']);
    expect(await ids(2, 'b')).to.deep.equal(['c']);
    expect(await ids(2, 'c')).to.deep.equal([]);
  });
});

describe('alarms', () => {
  let store: TemporaryStore;

  beforeEach(async () => {
    store = await temporaryStore();
  });

  afterEach(async () => {
    await store.remove();
  });

  async function raise(at: number, terminal: string | undefined, code = 'connection.unproven'): Promise<void> {
    await store.db.transaction().execute((tx) => raiseAlarm(tx, OPERATOR, { code, terminal, detail: `at ${at}`, at }));
  }

  it('are listed newest first, in pages', async () => {
    await raise(1, 't-1');
    await raise(2, 't-2');
    await raise(3, undefined);
    const seen = await listAlarms(store.db, OPERATOR, 2);
    expect(seen.map(({ terminal, detail }) => `${terminal} ${detail}`)).to.deep.equal(['undefined at 3', 't-2 at 2']);
    expect(await listAlarms(store.db, OPERATOR, 2, seen[1]?.sequence)).to.deep.equal([
      { sequence: 0, at: 1, lastAt: 1, count: 1, terminal: 't-1', code: 'connection.unproven', detail: 'at 1' },
    ]);
  });

  it('repeated soon are counted in one row: a stranger cannot fill the store (F-54)', async () => {
    for (let i = 0; i < 50; i++) await raise(i, 't-1');
    await raise(50, 't-1', 'enrolment.token-reused');
    await raise(51, undefined);
    await raise(52, undefined);
    await raise(49 + ALARM_REPEAT_MS, 't-1');
    const rows = (await listAlarms(store.db, OPERATOR, 10)).map(({ terminal, at, lastAt, count }) => ({
      terminal,
      at,
      lastAt,
      count,
    }));
    expect(rows).to.deep.equal([
      { terminal: 't-1', at: 49 + ALARM_REPEAT_MS, lastAt: 49 + ALARM_REPEAT_MS, count: 1 },
      { terminal: undefined, at: 51, lastAt: 52, count: 2 },
      { terminal: 't-1', at: 50, lastAt: 50, count: 1 },
      { terminal: 't-1', at: 0, lastAt: 49, count: 50 },
    ]);
  });
});
