import { access, constants } from 'node:fs/promises';
import { hashName, TPM_ALG, toHex } from '@mtm-attest/protocol';
import { AGENT_CODES, type AgentCode, AgentError } from '../../error.ts';
import { judged } from '../../tpm2/answer.ts';
import { allocatedBanks, handlesOf, makerOf, propertyOf } from '../../tpm2/capabilities.ts';
import type { TpmClient } from '../../tpm2/client.ts';
import { READ_CLOCK } from '../../tpm2/command/machine.ts';
import { HANDLE_KIND, PROPERTY } from '../../tpm2/constants.ts';
import { lockTpm, type TpmLock } from '../../tpm2/tpm-lock.ts';
import { parseTpmAddress, type TpmAddress } from '../../tpm2/transport/address.ts';
import { COUNTER_NAMES } from '../platform.ts';
import { counterIndex } from './counters.ts';
import { endorsementCertificate } from './endorsement.ts';
import { openClient } from './open-tpm2.ts';

/** One thing that an agent needs of its machine. */
export interface Finding {
  readonly check: string;
  /** `missing`: the agent cannot run like this; `warning`: it can, with less */
  readonly level: 'ok' | 'warning' | 'missing';
  /** stable; absent where nothing is wrong */
  readonly code?: string;
  readonly detail: string;
  /** what mends it */
  readonly next?: string;
}

/** Where a Linux machine has its TPM. */
const DEVICES = ['/dev/tpmrm0', '/dev/tpm0'] as const;

/** The AK, and what a seal needs beside it. */
const SLOTS = 3;
const SESSIONS = 2;
const PERMANENT = { ownerAuth: 1, endorsementAuth: 2, lockoutAuth: 4, disableClear: 0x100, inLockout: 0x200 } as const;
const STARTUP_CLEAR = { owner: 2, endorsement: 4 } as const;

const ok = (check: string, detail: string): Finding => ({ check, level: 'ok', detail });

/** The address of this machine's TPM, or undefined where it has none. */
export async function findTpm(): Promise<string | undefined> {
  for (const path of DEVICES) {
    const isThere = await access(path, constants.F_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return `device:${path}`;
  }
  return undefined;
}

/**
 * What this machine's TPM has and lacks. Nothing in it is changed: one that was not started stays so.
 * @param tpm address, as --tpm takes it @throws AgentError `option.invalid`
 */
export async function examineTpm(tpm: string): Promise<readonly Finding[]> {
  const address = parseTpmAddress(tpm);
  const opened = await openExamined(address);
  if ('finding' in opened) return [opened.finding];
  const { client, lock } = opened;
  try {
    const findings = [ok('open', `${tpm} opens`)];
    for (const check of CHECKS) {
      const found = await judged(() => check(client)).catch((error: unknown) => [failed(error)]);
      findings.push(...found);
      if (found.some(({ level, code }) => level === 'missing' && code !== undefined && ENDS.has(code))) break;
    }
    return findings;
  } finally {
    await client.close();
    lock?.release();
  }
}

/** After these there is nothing more to ask. */
const ENDS: ReadonlySet<string> = new Set(['tpm.not-started', 'tpm.timeout', 'tpm.unreachable', 'tpm.response']);

async function openExamined(
  address: TpmAddress,
): Promise<{ readonly client: TpmClient; readonly lock: TpmLock | undefined } | { readonly finding: Finding }> {
  // Behind the kernel's resource manager a look disturbs nobody.
  const shared = address.kind === 'device' && address.path.includes('tpmrm');
  let lock: TpmLock | undefined;
  try {
    lock = shared ? undefined : await lockTpm(address);
    return { client: await openClient(address), lock };
  } catch (error) {
    lock?.release();
    return { finding: await whyClosed(address, error) };
  }
}

async function whyClosed(address: TpmAddress, error: unknown): Promise<Finding> {
  const finding = failed(error);
  if (!(error instanceof AgentError) || error.code !== 'tpm.unreachable') return { ...finding, check: 'open' };
  const detail = error.detail ?? '';
  if (address.kind !== 'device') {
    return { ...finding, check: 'open', detail, next: 'start the emulator, or correct its address' };
  }
  if (detail.endsWith('EACCES') || detail.endsWith('EPERM')) {
    const next = `let this user read and write ${address.path}: add it to the group of the device (often tss)`;
    return { check: 'permission', level: 'missing', code: 'tpm.permission', detail, next };
  }
  if (detail.endsWith('ENOENT')) return NO_DEVICE;
  return { ...finding, check: 'open', detail };
}

/** What a machine without a TPM gets to hear. */
export const NO_DEVICE: Finding = {
  check: 'device',
  level: 'missing',
  code: 'tpm.device',
  detail: 'this machine shows no TPM device',
  next: 'enable the TPM in the firmware and load its driver, or run with --tpm soft',
};

function failed(error: unknown): Finding {
  if (!(error instanceof AgentError)) throw error;
  const { code, detail } = error;
  return { check: 'commands', level: 'missing', code, detail: detail ?? '', next: nextOf(code) };
}

function nextOf(code: AgentCode): string {
  return AGENT_CODES[code];
}

type Check = (client: TpmClient) => Promise<readonly Finding[]>;

const CHECKS: readonly Check[] = [started, maker, banks, certificates, hierarchies, lockout, slots, counters];

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
