import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { sql } from 'kysely';
import { readLeaf } from '../../src/ledger/append.ts';
import { isLeafOf } from '../../src/ledger/tree.ts';
import { OPERATOR, type TemporaryStore, temporaryStore } from './fixture.ts';

const COMMITTER = fileURLToPath(new URL('committer.ts', import.meta.url));
const KILLS = 10;
/** lines after which the process is killed, in order */
const LINES = [1, 2, 5, 12, 13, 40, 77, 150, 301, 600];

/** Reads what a process acknowledges; kills it with SIGKILL after so many lines. */
async function acknowledged(
  args: readonly string[],
  killAfter = Number.POSITIVE_INFINITY,
): Promise<Map<number, string>> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', '--conditions=mtm-source', COMMITTER, ...args],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  child.stdout?.setEncoding('utf8');
  child.stdout?.on('data', (chunk: string) => {
    text += chunk;
    if (text.split('\n').length > killAfter) child.kill('SIGKILL');
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect(killAfter === Number.POSITIVE_INFINITY ? code : signal).to.equal(
    killAfter === Number.POSITIVE_INFINITY ? 0 : 'SIGKILL',
  );
  const whole = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '');
  return new Map(whole.map((line) => [Number(line.split(' ')[0]), line.split(' ')[1] ?? '']));
}

describe('the store under kill -9', () => {
  let store: TemporaryStore;

  beforeEach(async () => {
    store = await temporaryStore();
  });

  afterEach(async () => {
    await store.remove();
  });

  async function expectSound(known: ReadonlyMap<number, string>): Promise<void> {
    for (const [index, hash] of known) {
      const leaf = await readLeaf(store.db, OPERATOR, index);
      expect(leaf === undefined ? 'lost' : Buffer.from(leaf.leafHash).toString('hex'), `leaf ${index}`).to.equal(hash);
    }
    const ledger = await store.db.selectFrom('ledger').selectAll().orderBy('sequence').execute();
    expect(ledger.map(({ sequence }) => sequence)).to.deep.equal(ledger.map((_, i) => i));
    const results = await store.db
      .selectFrom('results')
      .select(['ledger_index', 'body'])
      .orderBy('ledger_index')
      .execute();
    expect(results).to.have.length(ledger.length);
    expect(results.every(({ ledger_index, body }) => isLeafOf(ledger[ledger_index]?.leaf_hash ?? body, body))).to.equal(
      true,
    );
    const { rows } = await sql<{ integrity_check: string }>`PRAGMA integrity_check`.execute(store.db);
    expect(rows).to.deep.equal([{ integrity_check: 'ok' }]);
  }

  it(`loses no acknowledged result in ${KILLS} kills, and no leaf without its result appears (invariant 6)`, async () => {
    const known = new Map<number, string>();
    for (const lines of LINES) {
      const fresh = await acknowledged([store.path, 't'], lines);
      expect(fresh.size).to.be.at.least(lines);
      for (const [index, hash] of fresh) {
        expect(known.has(index), `index ${index} was given twice`).to.equal(false);
        known.set(index, hash);
      }
      store = await store.reopen();
      await expectSound(known);
    }
    expect(known.size).to.be.at.least(LINES.reduce((sum, lines) => sum + lines, 0));
  });

  it('two processes on one store share one ledger without gap and without giving an index twice', async () => {
    const [first, second] = await Promise.all([
      acknowledged([store.path, 'a', '30']),
      acknowledged([store.path, 'b', '30']),
    ]);
    const known = new Map([...first, ...second]);
    expect(known.size).to.equal(first.size + second.size);
    expect(known.size).to.equal(2 * 12 * 30);
    await expectSound(known);
  });
});
