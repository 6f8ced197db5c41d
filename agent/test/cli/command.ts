import { spawnSync } from 'node:child_process';
import { COMMAND } from '../platform/machines.ts';

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `mtm-agent` from its sources to its end. */
export function mtmAgent(...args: readonly string[]): Ended {
  const [program, ...first] = COMMAND;
  return spawnSync(program, [...first, ...args], { encoding: 'utf8' });
}
