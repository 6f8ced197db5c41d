import { access, constants } from 'node:fs/promises';
import { AgentError } from '../../error.ts';
import { judged } from '../../tpm2/answer.ts';
import type { TpmClient } from '../../tpm2/client.ts';
import { lockTpm, type TpmLock } from '../../tpm2/tpm-lock.ts';
import { parseTpmAddress, type TpmAddress } from '../../tpm2/transport/address.ts';
import { CHECKS } from './checks.ts';
import { type Finding, failed, ok } from './finding.ts';
import { openClient } from './open-tpm2.ts';

/** Where a Linux machine has its TPM. */
const DEVICES = ['/dev/tpmrm0', '/dev/tpm0'] as const;

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
      const found = await judged(() => check(client)).catch((error: unknown) => [failed('commands', error)]);
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
  const finding = failed('open', error);
  if (!(error instanceof AgentError) || error.code !== 'tpm.unreachable') return finding;
  const detail = error.detail ?? '';
  if (address.kind !== 'device') {
    return { ...finding, next: 'start the emulator, or correct its address' };
  }
  if (detail.endsWith('EACCES') || detail.endsWith('EPERM')) {
    const next = `let this user read and write ${address.path}: add it to the group of the device (often tss)`;
    return { check: 'permission', level: 'missing', code: 'tpm.permission', detail, next };
  }
  if (detail.endsWith('ENOENT')) return NO_DEVICE;
  return finding;
}

/** What a machine without a TPM gets to hear. */
export const NO_DEVICE: Finding = {
  check: 'device',
  level: 'missing',
  code: 'tpm.device',
  detail: 'this machine shows no TPM device',
  next: 'enable the TPM in the firmware and load its driver, or run with --tpm soft',
};
