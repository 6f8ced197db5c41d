import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { buildCommands } from './command.ts';
import type { Direction } from './record-proxy.ts';
import { Site } from './site.ts';

const SEED = process.env['MTM_KILL_SEED'] ?? '20261125';
const RANDOM_KILLS = 50;
/** Records of a connection from its first byte to its second result, in each direction; checked below. */
const RECORDS: Readonly<Record<Direction, number>> = { 'to-verifier': 9, 'to-terminal': 11 };

type Victim = 'verifier' | 'agent' | 'tre';

/** The n-th number of the seed, below `limit`. */
function seeded(n: number, limit: number): number {
  return createHash('sha256').update(`${SEED} ${n}`).digest().readUInt32BE(0) % limit;
}

describe('killed at any moment', function () {
  this.timeout(600_000);
  let site: Site;

  async function victimDies(victim: Victim): Promise<void> {
    const terminal = site.terminals[0];
    if (terminal === undefined) throw new RangeError('no terminal');
    if (victim === 'verifier') await site.verifier.ended();
    else if (victim === 'agent') await terminal.agent.ended();
    else await Promise.all([terminal.tre.ended(), terminal.agent.ended()]);
  }

  function kill(victim: Victim): void {
    const [terminal] = site.terminals;
    if (victim === 'verifier') site.verifier.signal('SIGKILL');
    else terminal?.[victim].signal('SIGKILL');
  }

  /** Brings back what died, waits for the next result, and holds everything acknowledged against the ledger. */
  async function recovers(): Promise<void> {
    if (!site.verifier.running) await site.startVerifier();
    await Promise.all(
      site.terminals.map(async (terminal) => {
        const before = terminal.filed().length;
        await terminal.start();
        await terminal.filesMoreThan(before);
      }),
    );
    expect(await site.lostResults('new')).to.deep.equal([]);
  }

  async function everythingHolds(): Promise<void> {
    for (const { name } of site.terminals) {
      const verdicts = await site.verdicts(name);
      expect(verdicts.filter((verdict) => verdict.startsWith('untrusted'))).to.deep.equal([]);
      expect(verdicts).to.include('trusted');
    }
    expect(await site.lostResults('all')).to.deep.equal([]);
  }

  before(async () => {
    buildCommands();
    site = await Site.start(['t-1', 't-2']);
    await recovers();
  });

  afterEach(everythingHolds);

  after(async () => {
    await (site as Site | undefined)?.stop();
  });

  for (const victim of ['verifier', 'agent', 'tre'] as const) {
    for (const direction of ['to-verifier', 'to-terminal'] as const) {
      it(`${victim}: at each frame of a connection ${direction}, no acknowledged result is lost and nobody condemned`, async () => {
        for (let last = 1; last <= RECORDS[direction]; last++) {
          const struck = new Promise<void>((resolve) => {
            site.proxy.watch = (seen, number) => {
              if (seen !== direction || number !== last) return;
              site.proxy.watch = () => undefined;
              kill(victim);
              resolve();
            };
          });
          if (victim === 'verifier') {
            site.proxy.cut();
          } else {
            site.terminals[0]?.agent.signal('SIGKILL');
            await site.terminals[0]?.agent.ended();
            await site.terminals[0]?.start();
          }
          await struck;
          await victimDies(victim);
          await recovers();
        }
      });
    }
  }

  it(`anybody: ${RANDOM_KILLS} times at random moments (seed ${SEED})`, async () => {
    for (let n = 0; n < RANDOM_KILLS; n++) {
      const victim = (['verifier', 'agent', 'tre'] as const)[seeded(2 * n, 3)] ?? 'agent';
      const records = 1 + seeded(2 * n + 1, 12);
      let seen = 0;
      await new Promise<void>((resolve) => {
        site.proxy.watch = () => {
          seen += 1;
          if (seen !== records) return;
          site.proxy.watch = () => undefined;
          kill(victim);
          resolve();
        };
      });
      await victimDies(victim);
      await recovers();
    }
  });
});
