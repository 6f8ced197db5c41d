/**
 * CPU time that one result costs the verifier's thread on its way into the store: groups of 100 rows, each with its row change,
 * record and ledger leaf, in a store on disk.
 *
 * Run: node --import tsx --conditions=mtm-source verifier/bench/group-commit.ts [groups]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TerminalRecord } from '../src/endpoint/terminal-record.ts';
import { GroupCommit, type ResultItem } from '../src/store/group-commit.ts';
import { type Database, openStore } from '../src/store/open.ts';
import { findTerminal } from '../src/store/terminals.ts';

const OPERATOR = 'bench';
const ROWS = 100;
const WARM_UP = 20;
const groups = Number(process.argv[2] ?? 301);

async function enrol(db: Database, index: number): Promise<TerminalRecord> {
  const terminal = `terminal-${String(index).padStart(4, '0')}`;
  await db
    .insertInto('terminals')
    .values({
      operator: OPERATOR,
      terminal,
      class: 'simulated',
      model: 'bench',
      ak_public: new Uint8Array(90),
      ak_name: new Uint8Array(34),
      qualified_name: new Uint8Array(34),
      session_key: new Uint8Array(91),
      enrolled_at: 0,
      admission: 'enrolled',
      session: 1,
      version: 0,
      last_seen_at: 0,
      last_affirmed_at: null,
      pending_at: null,
      next_audit_at: 0,
      late_code: null,
      condemned: null,
      unknown_code: null,
      info: '[]',
      last_verdict: null,
      last_code: null,
      reset_count: null,
      restart_count: null,
      clock: null,
      safe: null,
      event_count: null,
      pcrs: null,
      audit_counter: null,
      release: null,
      list_digest: null,
      reference_digest: null,
    })
    .execute();
  const record = await findTerminal(db, OPERATOR, terminal);
  if (record === undefined) throw new Error('not stored');
  return record;
}

function resultOf(record: TerminalRecord, round: number): ResultItem {
  const accepted = {
    resetCount: 1,
    restartCount: 0,
    clock: BigInt(round),
    safe: true,
    count: 100 + round,
    pcrs: new Uint8Array(768).fill(round),
    auditCounter: BigInt(round),
    release: 1,
    listDigest: new Uint8Array(32).fill(7),
    referenceDigest: new Uint8Array(32).fill(8),
    imaCount: 0,
    imaSeen: 0,
  };
  const settled = { ...record, admission: 'admitted', lastSeenAt: round, lastAffirmedAt: round, accepted } as const;
  return {
    record: { ...record, version: round },
    settled,
    nextAuditAt: round + 1,
    referenceRevision: 0,
    challengedAt: round,
    explanation: [],
    result: {
      operator: OPERATOR,
      terminal: record.terminal,
      compartment: 'mrtm',
      at: round,
      purpose: 'runtime',
      verdict: 'trusted',
      codes: [],
      boot: accepted,
      challengeDigest: new Uint8Array(32),
      evidenceDigest: new Uint8Array(32),
      manifestSequence: 1,
      bindingType: 'tls-exporter',
      class: 'simulated',
    },
    body: new Uint8Array(180).fill(round),
  };
}

const directory = mkdtempSync(join(tmpdir(), 'mtm-bench-'));
try {
  const store = await openStore({ path: join(directory, 'store.db'), now: 0 });
  const records: TerminalRecord[] = [];
  for (let i = 0; i < ROWS; i++) records.push(await enrol(store.db, i));
  const group = new GroupCommit(store.db, OPERATOR);
  const perRow: number[] = [];
  for (let round = 0; round < WARM_UP + groups; round++) {
    const items = records.map((record) => resultOf(record, round));
    const before = process.cpuUsage();
    const outcomes = await Promise.all(items.map((item) => group.commit(item)));
    const { user, system } = process.cpuUsage(before);
    if (outcomes.some(({ kind }) => kind !== 'committed')) throw new Error('not committed');
    if (round >= WARM_UP) perRow.push((user + system) / ROWS);
  }
  await store.close();
  perRow.sort((a, b) => a - b);
  const at = (share: number): string => (perRow[Math.floor(share * (perRow.length - 1))] ?? Number.NaN).toFixed(1);
  const figures = { engine: store.engine, rows: ROWS, groups, medianUs: at(0.5), p5Us: at(0.05), p95Us: at(0.95) };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
} finally {
  rmSync(directory, { recursive: true });
}
