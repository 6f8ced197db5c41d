import { examineTpm, findTpm, NO_DEVICE } from '../platform/tpm2/examine.ts';
import type { Finding } from '../platform/tpm2/finding.ts';
import { TPM_OPTION } from './open-tre.ts';
import { tell } from './outcome.ts';
import type { Subcommand } from './subcommand.ts';

/** `mtm-agent doctor`: what this machine lacks for a TPM to vouch for it, and how to mend it. */
export const doctorCommand: Subcommand = {
  name: 'doctor',
  summary: 'say what is missing on this machine, and how to mend it; changes nothing',
  options: {
    tpm: { ...TPM_OPTION, about: 'as for run; the TPM of this machine unless given' },
    json: { type: 'boolean', about: 'print one JSON document' },
  },
  async run(values) {
    const tpm = values.optional('tpm') ?? (await findTpm());
    const checks = tpm === undefined ? [NO_DEVICE] : tpm === 'soft' ? [SOFT] : await examineTpm(tpm);
    const holds = checks.every(({ level }) => level !== 'missing');
    tell(values.flag('json'), { ok: holds, tpm, checks }, checks.map(lineOf).join('\n'));
    return holds ? 0 : 1;
  },
};

const SOFT: Finding = {
  check: 'protection',
  level: 'warning',
  code: 'platform.software',
  detail: 'a trusted environment in software needs nothing of this machine',
  next: 'give it --device-key and --counter: software is no hardware',
};

function lineOf({ check, level, code, detail, next }: Finding): string {
  const first = `${level.padEnd(8)} ${check.padEnd(12)} ${detail}${code === undefined ? '' : ` (${code})`}`;
  return next === undefined ? first : `${first}\n${' '.repeat(22)}${next}`;
}
