/**
 * Benchmarks: ratios of CPU time and of memory, never pass or fail. Prints a table and writes JSON.
 *
 * Run: npm run bench -- [--only a,c] [--quick] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildCommands } from '../test/kill/command.ts';
import { agentDevice } from './agent-device.ts';
import { appraisal } from './appraisal.ts';
import { attestationRate } from './attestation-rate.ts';
import type { Benchmark } from './benchmark.ts';
import { idleMemory } from './idle-memory.ts';
import { logCost } from './log-replay.ts';
import { payload } from './payload.ts';
import { type Figure, isMet, tableOf } from './table.ts';

const BENCHMARKS: readonly Benchmark[] = [appraisal, attestationRate, payload, idleMemory, logCost, agentDevice];
const PAIRS = 301;
const QUICK_PAIRS = 31;
const QUICK_SHARE = 0.1;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string', default: join(tmpdir(), 'bench.json') },
  },
});
const { quick } = values;
const only = values.only?.split(',');
const unknown = only?.filter((name) => !BENCHMARKS.some((one) => one.name === name)) ?? [];
if (unknown.length > 0) {
  process.stderr.write(`no benchmark ${unknown.join(', ')}: ${BENCHMARKS.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}

buildCommands();
const figures: Figure[] = [];
for (const benchmark of BENCHMARKS) {
  if (only !== undefined && !only.includes(benchmark.name)) continue;
  const begin = performance.now();
  process.stderr.write(`(${benchmark.name}) ${benchmark.about} ...`);
  figures.push(...(await benchmark.run({ pairs: quick ? QUICK_PAIRS : PAIRS, share: quick ? QUICK_SHARE : 1 })));
  process.stderr.write(` ${((performance.now() - begin) / 1000).toFixed(1)} s\n`);
}
const heading = quick ? 'QUICK RUN: fewer pairs, shorter runs; not the figures to quote\n' : '';
process.stdout.write(`${heading}${tableOf(figures)}\n`);
const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length };
const document = { quick, machine, figures: figures.map((figure) => ({ ...figure, met: isMet(figure) })) };
writeFileSync(values.json, `${JSON.stringify(document, undefined, 2)}\n`);
process.stderr.write(`written to ${values.json}\n`);
