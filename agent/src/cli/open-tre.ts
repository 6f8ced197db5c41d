import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../error.ts';
import type { TrustedPlatform } from '../platform/platform.ts';
import { openSoftOnDisk } from '../platform/soft/open-soft.ts';
import type { StateClaim } from '../platform/soft/state-claim.ts';
import { openTpm2 } from '../platform/tpm2/open-tpm2.ts';
import { TPM2_STATE } from '../platform/tpm2/state.ts';
import { parseTpmAddress } from '../tpm2/transport/address.ts';
import type { OptionForm, OptionValues } from './subcommand.ts';

export const TPM_OPTION: OptionForm = {
  type: 'string',
  value: 'tpm',
  about: 'soft (default), device:/dev/tpmrm0, swtpm:HOST:PORT, swtpm:unix:PATH or mssim:HOST:PORT',
};

export interface OpenTre {
  readonly claim: StateClaim;
  readonly platform: TrustedPlatform;
  close(): Promise<void>;
}

/** Where the TPM is, or undefined for the trusted environment in software. @throws AgentError `option.invalid` */
export function tpmOf(values: OptionValues): string | undefined {
  const tpm = values.optional('tpm');
  if (tpm === undefined || tpm === 'soft') return undefined;
  parseTpmAddress(tpm);
  if (values.optional('device-key') !== undefined || values.optional('counter') !== undefined) {
    throw new AgentError('option.invalid', '--device-key and --counter protect the state of --tpm soft');
  }
  return tpm;
}

/**
 * The trusted environment of a directory, in software or in the TPM that is named.
 * @param socket further one to serve at @throws AgentError `option.invalid`; as openSoftOnDisk and openTpm2
 */
export async function openTre(directory: string, values: OptionValues, socket?: string): Promise<OpenTre> {
  const tpm = tpmOf(values);
  if (tpm !== undefined) return openTpm2({ tpm, directory, socket });
  const isTpm = await access(join(directory, TPM2_STATE)).then(
    () => true,
    () => false,
  );
  if (isTpm) throw new AgentError('option.invalid', `the state in ${directory} is one of a TPM: name it with --tpm`);
  return openSoftOnDisk({
    directory,
    deviceKey: values.optional('device-key'),
    credentials: process.env['CREDENTIALS_DIRECTORY'],
    counter: values.optional('counter'),
    socket,
  });
}
