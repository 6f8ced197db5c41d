import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AcceptedState } from '../../src/appraisal/input.ts';
import type { EnrolmentChange } from '../../src/endpoint/services.ts';
import type { TerminalRecord } from '../../src/endpoint/terminal-record.ts';
import { consumeToken } from '../../src/store/enrolments.ts';
import type { ResultItem } from '../../src/store/group-commit.ts';
import { type Database, openStore, type Store } from '../../src/store/open.ts';
import { findTerminal, raiseSession } from '../../src/store/terminals.ts';
import { addToken } from '../../src/store/tokens.ts';

export const OPERATOR = 'operator-a';
export const DAY_MS = 86_400_000;

export interface TemporaryStore extends Store {
  readonly path: string;
  /** Closes it and opens it anew, as after a restart. */
  reopen(): Promise<TemporaryStore>;
  remove(): Promise<void>;
}

/** A store in a directory of its own. */
export async function temporaryStore(): Promise<TemporaryStore> {
  const directory = mkdtempSync(join(tmpdir(), 'mtm-store-'));
  const path = join(directory, 'store.db');
  const open = async (): Promise<TemporaryStore> => {
    const store = await openStore({ path, now: 1 });
    return {
      ...store,
      path,
      reopen: async () => {
        await store.close();
        return await open();
      },
      remove: async () => {
        await store.close();
        rmSync(directory, { recursive: true });
      },
    };
  };
  return await open();
}

/** Bytes that differ from those of another number. */
export function bytes(length: number, number: number): Uint8Array {
  return new Uint8Array(length).map((_, i) => (i < 4 ? number >>> (8 * i) : number * 31 + i * 7) & 0xff);
}

export function enrolment(terminal: string, secret: number, ak: number): EnrolmentChange {
  return {
    terminal,
    secretHash: bytes(32, secret),
    akPublic: bytes(90, ak),
    akName: bytes(34, ak),
    qualifiedName: bytes(34, ak + 100),
    sessionKey: bytes(91, ak),
    ekName: undefined,
  };
}

export async function addTokenFor(db: Database, terminal: string, secret: number, operator = OPERATOR): Promise<void> {
  await addToken(db, operator, {
    secretHash: bytes(32, secret),
    terminal,
    class: 'software',
    model: 'model-1',
    createdAt: 1000,
    expiresAt: 1000 + DAY_MS,
  });
}

/** An enrolled terminal with a proven connection. */
export async function enrolled(
  db: Database,
  terminal: string,
  number = 1,
  operator = OPERATOR,
): Promise<TerminalRecord> {
  await addTokenFor(db, terminal, number, operator);
  const outcome = await db
    .transaction()
    .execute((tx) => consumeToken(tx, operator, enrolment(terminal, number, number), 2000));
  const record = await raiseSession(db, operator, terminal, 2000);
  if (outcome !== 'enrolled' || record === undefined) throw new Error(`not enrolled: ${outcome}`);
  return record;
}

export async function stored(db: Database, terminal: string, operator = OPERATOR): Promise<TerminalRecord> {
  const record = await findTerminal(db, operator, terminal);
  if (record === undefined) throw new Error(`${terminal} is not there`);
  return record;
}

export function acceptedState(round: number): AcceptedState {
  return {
    resetCount: 3,
    restartCount: 1,
    clock: 0xffff_ffff_ffff_ff00n + BigInt(round),
    safe: true,
    count: 100 + round,
    pcrs: bytes(768, round),
    auditCounter: BigInt(round),
    release: 2,
    listDigest: bytes(32, round),
    referenceDigest: bytes(32, round + 7),
    imaCount: round,
    imaSeen: round + 2,
  };
}

/** An affirming runtime result on the row as it is. */
export function trustedResult(record: TerminalRecord, round: number, changes: Partial<ResultItem> = {}): ResultItem {
  const at = 10_000 + round;
  return {
    record,
    settled: {
      ...record,
      admission: 'admitted',
      lastSeenAt: at,
      lastAffirmedAt: at,
      accepted: acceptedState(round),
    },
    nextAuditAt: at + 300_000,
    referenceRevision: 0,
    challengedAt: at - 10,
    explanation: [],
    result: {
      operator: OPERATOR,
      terminal: record.terminal,
      compartment: 'mrtm',
      at,
      purpose: 'runtime',
      verdict: 'trusted',
      codes: [],
      boot: { resetCount: 3, restartCount: 1 },
      challengeDigest: bytes(32, round),
      evidenceDigest: bytes(32, round + 1),
      manifestSequence: 1,
      bindingType: 'tls-exporter',
      class: record.class,
    },
    body: new TextEncoder().encode(`${record.terminal} ${round}`),
    ...changes,
  };
}

/** The same with a condemnation and its explanation. */
export function untrustedResult(record: TerminalRecord, round: number): ResultItem {
  const base = trustedResult(record, round);
  const code = 'component.digest';
  return {
    ...base,
    settled: {
      ...base.settled,
      admission: 'suspended',
      lastAffirmedAt: record.lastAffirmedAt,
      condemned: {
        codes: [code],
        at: base.result.at,
        endsBy: 'reference',
        boot: { resetCount: 3, restartCount: 1 },
        referenceRevision: 1,
      },
    },
    explanation: [{ code, detail: 'lib/x.js differs', component: 'lib/x.js', meaning: 'changed', next: 'restore it' }],
    result: { ...base.result, verdict: 'untrusted', codes: [code] },
  };
}
