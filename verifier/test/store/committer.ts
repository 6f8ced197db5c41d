/**
 * A process that records results as fast as it can until it is killed, or so many. One line per acknowledged result: index and leaf hash.
 * Arguments: path of the store, prefix of its terminals' ids, rounds.
 */
import { writeSync } from 'node:fs';
import { GroupCommit } from '../../src/store/group-commit.ts';
import { openStore } from '../../src/store/open.ts';
import { findTerminal, raiseSession } from '../../src/store/terminals.ts';
import { enrolled, OPERATOR, trustedResult } from './fixture.ts';

const TERMINALS = 12;
const [path = '', prefix = 't', rounds = '1000000'] = process.argv.slice(2);
const store = await openStore({ path, now: 1 });
const { db } = store;
const group = new GroupCommit(db, OPERATOR);

async function work(terminal: string, number: number): Promise<void> {
  const known = await findTerminal(db, OPERATOR, terminal);
  if (known === undefined) await enrolled(db, terminal, number);
  else await group.change(terminal, (tx) => raiseSession(tx, OPERATOR, terminal, 1));
  for (let round = 0; round < Number(rounds); round++) {
    const record = await findTerminal(db, OPERATOR, terminal);
    if (record === undefined) throw new Error('gone');
    const outcome = await group.commit(trustedResult(record, round));
    if (outcome.kind !== 'committed') throw new Error(outcome.kind);
    writeSync(1, `${outcome.ledgerIndex} ${Buffer.from(outcome.leafHash).toString('hex')}\n`);
  }
}

const names = Array.from({ length: TERMINALS }, (_, i) => `${prefix}-${i}`);
const offset = (prefix.codePointAt(0) ?? 0) * 1000;
await Promise.all(names.map((name, i) => work(name, offset + i)));
await store.close();
