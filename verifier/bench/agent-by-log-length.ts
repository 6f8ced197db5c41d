import { LoneAgent } from './lone-agent.ts';
import { type Batch, cpuTime, pairedRatios } from './pairs.ts';
import { type Figure, figureOf, type Target } from './table.ts';

/** Equal modulo 64, the step of the agent's index of its log: none of them reads back further than another. */
const LENGTHS = [10, 10 + 64 * 16, 10 + 64 * 1563] as const;
const BATCH = 8;
const FLAT: Target = { bound: 'at most', value: 1.2, of: 'interval' };

/** What an audit costs an agent whose log is long already: it measures, appends, quotes, answers and files the result, on files. */
export async function agentByLogLength(pairs: number): Promise<readonly Figure[]> {
  const agents: LoneAgent[] = [];
  try {
    for (const events of LENGTHS) agents.push(await LoneAgent.start(events));
    const counts = agents.map(({ verifier }) => verifier.events);
    const [few, ...more] = agents.map(batchOf);
    if (few === undefined) throw new RangeError('no lengths');
    const ratios = await pairedRatios(pairs, more, few);
    return ratios.map((ratio, i) => {
      const what = `agent: re-attestation after ${counts[i + 1] ?? 0} events / after ${counts[0] ?? 0}`;
      return figureOf(ratio, { benchmark: 'e', what, unit: '', target: FLAT });
    });
  } finally {
    for (const agent of agents) await agent.stop();
  }
}

function batchOf({ verifier }: LoneAgent): Batch {
  return async () => {
    const before = cpuTime();
    for (let i = 0; i < BATCH; i++) await verifier.audit();
    return cpuTime() - before;
  };
}
