import { LoneAgent } from './lone-agent.ts';
import type { Figure } from './table.ts';

const AUDITS = 100_000;
const RECONNECTS = 1000;
const WARM_UP_CONNECTIONS = 10;
const MEGABYTE = 1e6;

/** Heap growth of one agent over many audits and reconnects, its files on a file system in memory. */
export async function agentSoak(share: number): Promise<readonly Figure[]> {
  const connections = Math.max(WARM_UP_CONNECTIONS + 1, Math.round(RECONNECTS * share));
  const agent = await LoneAgent.start();
  try {
    const { verifier } = agent;
    let before = 0;
    for (let i = 0; i < connections + WARM_UP_CONNECTIONS; i++) {
      if (i === WARM_UP_CONNECTIONS) before = heapBytes();
      for (let k = 0; k < AUDITS / RECONNECTS; k++) await verifier.audit();
      const again = verifier.connected();
      verifier.hangUp();
      await again;
    }
    const grown = heapBytes() - before;
    return [
      {
        benchmark: 'f',
        what: `agent: heap growth over ${(connections * AUDITS) / RECONNECTS} audits, ${connections} reconnects`,
        unit: 'MB',
        value: grown / MEGABYTE,
        target: { bound: 'at most', value: 5 },
      },
    ];
  } finally {
    await agent.stop();
  }
}

/** After full collections: what is reachable, buffers outside the heap included. @throws RangeError without --expose-gc */
function heapBytes(): number {
  const { gc } = globalThis;
  if (gc === undefined) throw new RangeError('node --expose-gc');
  for (let i = 0; i < 3; i++) {
    gc();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
