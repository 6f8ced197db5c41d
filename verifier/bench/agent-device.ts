import { agentFootprint } from './agent-footprint.ts';
import { agentSoak } from './agent-soak.ts';
import type { Benchmark } from './benchmark.ts';

/** (f) What the agent takes of the device that it is embedded in. */
export const agentDevice: Benchmark = {
  name: 'f',
  about: 'the agent: installed bytes, memory, start, soak',
  async run({ share }) {
    return [...(await agentFootprint(share)), ...(await agentSoak(share))];
  },
};
