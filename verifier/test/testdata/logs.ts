import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import type { Folder } from './folder.ts';

/** Formats whose cases are run; the others are counted as not yet covered. */
const COVERED: readonly string[] = ['tcg', 'ima'];

export const logCase = v.object({
  id: v.string(),
  format: v.string(),
  log: v.string(),
  pcrs: v.optional(v.record(v.string(), v.record(v.string(), v.string()))),
  bank: v.optional(v.string()),
  rule: v.optional(v.string()),
  records: v.optional(v.number()),
  expected: v.picklist(['match', 'parse', 'mismatch', 'reject']),
  firstMismatch: v.optional(v.object({ bank: v.string(), pcr: v.number() })),
});

type LogCase = v.InferOutput<typeof logCase>;

/** What `check-log --json` prints, as far as a case says something about it. */
const printed = v.object({
  ok: v.boolean(),
  code: v.optional(v.string()),
  events: v.optional(v.number()),
  firstMismatch: v.optional(v.object({ bank: v.string(), pcr: v.number() })),
});

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export function isCovered({ format }: LogCase): boolean {
  return COVERED.includes(format);
}

/** @returns why `mtm-verifier check-log` did not say of a log what it should */
export function logFault(one: LogCase, folder: Folder): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'mtm-testdata-'));
  try {
    const pcrs = join(directory, 'pcrs.json');
    if (one.pcrs !== undefined) writeFileSync(pcrs, JSON.stringify(one.pcrs));
    const options = [
      ...['--format', one.format, '--log', folder.path(one.log), '--json'],
      ...(one.pcrs === undefined ? [] : ['--pcrs', pcrs]),
      ...(one.bank === undefined ? [] : ['--bank', one.bank]),
      ...(one.rule === undefined ? [] : ['--ima-template-hash', one.rule]),
    ];
    const run = ['--import', 'tsx', '--conditions=mtm-source', MAIN, 'check-log', ...options];
    const { status, stdout, stderr } = spawnSync(process.execPath, run, { encoding: 'utf8' });
    if (status !== 0 && status !== 1) return `ended with ${status}: ${stderr}`;
    return outcomeFault(one, status, v.parse(printed, JSON.parse(stdout)));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function outcomeFault(wanted: LogCase, status: number, found: v.InferOutput<typeof printed>): string | undefined {
  const outcome = found.ok ? 'holds' : (found.code ?? 'a mismatch');
  const passes = wanted.expected === 'match' || wanted.expected === 'parse';
  if (found.ok !== passes || status !== (passes ? 0 : 1)) return `${outcome}, exit ${status}`;
  if ((found.code !== undefined) !== (wanted.expected === 'reject')) return outcome;
  if (wanted.records !== undefined && found.events !== wanted.records) return `${found.events} records`;
  const [at, should] = [found.firstMismatch, wanted.firstMismatch];
  return at?.bank === should?.bank && at?.pcr === should?.pcr ? undefined : `mismatch in PCR ${at?.pcr} of ${at?.bank}`;
}
