import { hashName, parseSelectionText, TPM_ALG, toHex } from '@mtm-attest/protocol';
import { AGENT_CODES } from '../../error.ts';
import { allocatedBanks, handlesOf, makerOf, propertyOf } from '../../tpm2/capabilities.ts';
import type { TpmClient } from '../../tpm2/client.ts';
import { READ_CLOCK } from '../../tpm2/command/machine.ts';
import { PCR_READ } from '../../tpm2/command/pcr.ts';
import { HANDLE_KIND, PROPERTY } from '../../tpm2/constants.ts';
import { COUNTER_NAMES } from '../platform.ts';
import { counterIndex } from './counters.ts';
import { endorsementCertificate } from './endorsement.ts';
import { type Finding, ok } from './finding.ts';

/** The AK, and what a seal needs beside it. */
const SLOTS = 3;
const SESSIONS = 2;
const PERMANENT = { ownerAuth: 1, endorsementAuth: 2, lockoutAuth: 4, disableClear: 0x100, inLockout: 0x200 } as const;
const STARTUP_CLEAR = { owner: 2, endorsement: 4 } as const;

/** Asks a TPM one thing that an agent needs of it, and changes nothing. */
export type Check = (client: TpmClient) => Promise<readonly Finding[]>;

/** In the order in which they are told. */
export const CHECKS: readonly Check[] = [
  started,
  maker,
  banks,
  pcrs,
  certificates,
  hierarchies,
  lockout,
  slots,
  counters,
];

async function started(client: TpmClient): Promise<readonly Finding[]> {
  const { resetCount, restartCount } = await client.run(READ_CLOCK, { parameters: undefined });
  return [ok('start', `started: boot ${resetCount}.${restartCount}`)];
}

async function maker(client: TpmClient): Promise<readonly Finding[]> {
  const { manufacturer, model, emulated } = await makerOf(client);
  const detail = `${manufacturer} ${model}`.trim();
  if (!emulated) return [ok('maker', detail)];
  const next = 'keep it to tests: whoever has its files has its keys';
  return [{ check: 'maker', level: 'warning', code: 'tpm.emulated', detail: `${detail}, an emulator`, next }];
}

async function banks(client: TpmClient): Promise<readonly Finding[]> {
  const all = await allocatedBanks(client);
  const names = all.map(({ algorithm }) => hashName(algorithm) ?? `0x${algorithm.toString(16)}`).join(', ');
  const own = all.find(({ algorithm }) => algorithm === TPM_ALG.SHA256);
  const next = 'have the firmware allocate sha256 alone (tpm2_pcrallocate), then reboot';
  const isWhole = own !== undefined && toHex(own.bitmap).startsWith('ffffff');
  if (!isWhole || all.some(({ algorithm }) => hashName(algorithm) === undefined)) {
    return [{ check: 'banks', level: 'missing', code: 'platform.bank', detail: names, next }];
  }
  if (all.length === 1) return [ok('banks', names)];
  return [{ check: 'banks', level: 'warning', code: 'tpm.more-banks', detail: `${names}: all are extended`, next }];
}

async function pcrs(client: TpmClient): Promise<readonly Finding[]> {
  const selection = parseSelectionText('sha256:all');
  const extended: number[] = [];
  for (let left = selection[0]?.pcrs ?? []; left.length > 0; ) {
    const { selection: read, values } = await client.run(PCR_READ, {
      parameters: { selection: [{ bank: 'sha256', pcrs: left }] },
    });
    const numbers = read[0]?.pcrs ?? [];
    if (numbers.length === 0) break;
    numbers.forEach((pcr, i) => {
      if (values[i]?.some((byte) => byte !== values[i]?.[0])) extended.push(pcr);
    });
    left = left.filter((pcr) => !numbers.includes(pcr));
  }
  if (extended.length === 0) return [ok('pcrs', 'none was extended in this boot')];
  const detail = `extended in this boot: ${extended.join(', ')}`;
  const next =
    'nothing, where an agent ran in this boot; else firmware or kernel measure into them, and the log of an agent, which begins at reset PCRs, will not lead there (log.diverged)';
  return [{ check: 'pcrs', level: 'warning', code: 'tpm.pcrs-extended', detail, next }];
}

async function certificates(client: TpmClient): Promise<readonly Finding[]> {
  const found: string[] = [];
  for (const kind of ['rsa-2048', 'ecc-p256'] as const) {
    if ((await endorsementCertificate(client, kind)) !== undefined) found.push(kind);
  }
  if (found.length > 0) return [ok('endorsement', `certificate for ${found.join(' and ')}`)];
  const next = 'ask the maker for it; without it the terminal can be enrolled as tpm-unproven, not as tpm-endorsed';
  const detail = 'no endorsement key certificate in NV memory';
  return [{ check: 'endorsement', level: 'warning', code: 'tpm.no-certificate', detail, next }];
}

async function hierarchies(client: TpmClient): Promise<readonly Finding[]> {
  const permanent = (await propertyOf(client, PROPERTY.PERMANENT)) ?? 0;
  const enabled = (await propertyOf(client, PROPERTY.STARTUP_CLEAR)) ?? 0;
  const findings: Finding[] = [];
  for (const name of ['owner', 'endorsement'] as const) {
    if ((enabled & STARTUP_CLEAR[name]) === 0) {
      const next = 'have the firmware enable it';
      findings.push({
        check: 'hierarchies',
        level: 'missing',
        code: 'tpm.hierarchy-disabled',
        detail: `the ${name} hierarchy is disabled`,
        next,
      });
    } else if ((permanent & PERMANENT[`${name}Auth`]) !== 0) {
      const next = `set the ${name} password to empty (tpm2_changeauth -c ${name})`;
      findings.push({
        check: 'hierarchies',
        level: 'missing',
        code: 'tpm.authorisation',
        detail: `the ${name} hierarchy has a password`,
        next,
      });
    }
  }
  if ((permanent & (PERMANENT.lockoutAuth | PERMANENT.disableClear)) === 0) {
    const next =
      'give the lockout hierarchy a password (tpm2_changeauth -c lockout), or disable Clear (tpm2_clearcontrol)';
    const detail = 'whoever opens the TPM can clear it, which ends this enrolment';
    findings.push({ check: 'hierarchies', level: 'warning', code: 'tpm.clear-open', detail, next });
  }
  return findings.length > 0 ? findings : [ok('hierarchies', 'owner and endorsement are open to the agent')];
}

async function lockout(client: TpmClient): Promise<readonly Finding[]> {
  const permanent = (await propertyOf(client, PROPERTY.PERMANENT)) ?? 0;
  const failures = (await propertyOf(client, PROPERTY.LOCKOUT_COUNTER)) ?? 0;
  const detail = `${failures} failed authorisations`;
  if ((permanent & PERMANENT.inLockout) === 0) return [ok('lockout', detail)];
  return [{ check: 'lockout', level: 'missing', code: 'tpm.lockout', detail, next: AGENT_CODES['tpm.lockout'] }];
}

async function slots(client: TpmClient): Promise<readonly Finding[]> {
  const objects = (await propertyOf(client, PROPERTY.HR_TRANSIENT_AVAIL)) ?? 0;
  const sessions = (await propertyOf(client, PROPERTY.HR_LOADED_AVAIL)) ?? 0;
  const detail = `${objects} free for objects, ${sessions} for sessions`;
  if (objects >= SLOTS && sessions >= SESSIONS) return [ok('slots', detail)];
  const next = 'use /dev/tpmrm0, or flush what was left behind (tpm2_flushcontext -t -l -s)';
  return [{ check: 'slots', level: 'warning', code: 'tpm.memory', detail, next }];
}

async function counters(client: TpmClient): Promise<readonly Finding[]> {
  const indices = await handlesOf(client, HANDLE_KIND.NV_INDEX);
  const there = COUNTER_NAMES.filter((name) => indices.includes(counterIndex(name)));
  if (there.length === COUNTER_NAMES.length) return [ok('counters', 'the counters of a terminal are there')];
  const free = await propertyOf(client, PROPERTY.NV_COUNTERS_AVAIL);
  const needed = COUNTER_NAMES.length - there.length;
  const detail = `${needed} to be made${free === undefined ? '' : `, ${free} can be`}`;
  if (there.length > 0) {
    const gone = COUNTER_NAMES.filter((name) => !there.includes(name)).join(', ');
    const next = AGENT_CODES['platform.counter-missing'];
    return [{ check: 'counters', level: 'warning', code: 'platform.counter-missing', detail: `absent: ${gone}`, next }];
  }
  // Some TPMs count none free and make them all the same.
  if (free === undefined || free === 0 || free >= needed) return [ok('counters', detail)];
  const next = 'undefine NV indices that nobody needs any more (tpm2_nvundefine)';
  return [{ check: 'counters', level: 'missing', code: 'tpm.nv-space', detail, next }];
}
