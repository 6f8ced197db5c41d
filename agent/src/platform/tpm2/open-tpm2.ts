import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { AgentError } from '../../error.ts';
import { DiskFiles } from '../../storage/disk-files.ts';
import { makePrivate } from '../../storage/private-directory.ts';
import { TpmClient } from '../../tpm2/client.ts';
import { lockTpm } from '../../tpm2/tpm-lock.ts';
import { openTransport, parseTpmAddress, type TpmAddress } from '../../tpm2/transport/address.ts';
import { claimState, type StateClaim } from '../soft/state-claim.ts';
import { STATE_FILE } from '../soft/state-file.ts';
import { TPM2_STATE } from './state.ts';
import { Tpm2Platform } from './tpm2-platform.ts';

export interface Tpm2OnMachine {
  /** device:PATH, swtpm:HOST:PORT, swtpm:unix:PATH or mssim:HOST:PORT */
  readonly tpm: string;
  /** the TrE's own directory; made with mode 0700 where it is missing */
  readonly directory: string;
  /** further socket, outside the directory, for an agent under another user: mode 0660 */
  readonly socket?: string | undefined;
}

/** A TPM that is this terminal's alone, and its place on the directory. */
export interface OpenTpm2 {
  readonly claim: StateClaim;
  readonly platform: Tpm2Platform;
  /** The TPM goes on; the places are free again. */
  close(): Promise<void>;
}

const CONNECT_MS = 5_000;
/** Below what an agent waits for its TrE. */
const COMMAND_MS = 20_000;
const SLOW_COMMAND_MS = 120_000;

/** Commands over a transport that is opened with the usual time limits. @throws AgentError `tpm.unreachable`, `tpm.timeout`, `tpm.in-use` */
export async function openClient(address: TpmAddress): Promise<TpmClient> {
  return new TpmClient({
    transport: await openTransport(address, CONNECT_MS),
    random: (length) => new Uint8Array(randomBytes(length)),
    wait: async (ms) => {
      await setTimeout(ms);
    },
    timeoutMs: COMMAND_MS,
    slowMs: SLOW_COMMAND_MS,
  });
}

/**
 * Takes a TPM for the terminal of a directory, which no other process may use until it is closed or this one ends.
 * @throws AgentError `option.invalid`, `state.*`, `tre.*`, `platform.*`, `tpm.*`
 */
export async function openTpm2({ tpm, directory, socket }: Tpm2OnMachine): Promise<OpenTpm2> {
  const address = parseTpmAddress(tpm);
  await makePrivate(directory, TPM2_STATE);
  const claim = await claimState(directory);
  try {
    if (socket !== undefined) await claim.listenAt(socket);
    const files = new DiskFiles(directory);
    await files.sweep();
    if ((await files.read(STATE_FILE)) !== undefined) {
      throw new AgentError('option.invalid', `the state in ${directory} is one of --tpm soft`);
    }
    const lock = await lockTpm(address);
    try {
      const platform = await openOver(await openClient(address), files);
      const close = async (): Promise<void> => {
        await platform.close();
        lock.release();
        claim.release();
      };
      return { claim, platform, close };
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (error) {
    claim.release();
    throw error;
  }
}

async function openOver(client: TpmClient, files: DiskFiles): Promise<Tpm2Platform> {
  try {
    return await Tpm2Platform.open({ client, files });
  } catch (error) {
    await client.close();
    throw error;
  }
}
