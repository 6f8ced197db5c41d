import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Agent, createAgent } from '../agent.ts';
import { AgentError } from '../error.ts';
import type { AgentLog } from '../log.ts';
import { KERNEL_FIRMWARE_LOG, KERNEL_IMA_LOG, platformLogFiles } from '../measurement/platform-log-files.ts';
import type { PlatformLogs } from '../measurement/platform-logs.ts';
import { RemotePlatform } from '../platform/soft/remote-platform.ts';
import { connectOrStart } from '../platform/soft/start-tre.ts';
import { type BackOff, DEFAULT_BACK_OFF } from '../session/back-off.ts';
import { DiskFiles } from '../storage/disk-files.ts';
import { TPM_OPTION, tpmOf } from './open-tre.ts';
import { ownCommand } from './own-command.ts';
import type { OptionForm, OptionValues } from './subcommand.ts';

/** Options of every command that is a terminal. */
export const TERMINAL_OPTIONS = {
  state: {
    type: 'string',
    required: true,
    value: 'directory',
    about: 'state of the terminal: tre/ and agent/ are made in it',
  },
  slots: {
    type: 'string',
    required: true,
    value: 'directory',
    about: 'slots a and b with the releases, and the file boot that names one',
  },
  tpm: TPM_OPTION,
  'firmware-log': {
    type: 'string',
    value: 'file',
    about: `log of the firmware (default with --tpm device: ${KERNEL_FIRMWARE_LOG}, where it can be read)`,
  },
  'ima-log': {
    type: 'string',
    value: 'file',
    about: `IMA list of the kernel (default with --tpm device: ${KERNEL_IMA_LOG}, where it can be read)`,
  },
  token: { type: 'string', value: 'file', about: 'enrolment token; - reads it from standard input' },
  binding: { type: 'string', value: 'type', about: 'tls-exporter (default) or tls-server-end-point' },
  'back-off': {
    type: 'string',
    value: 'first:most',
    about: 'milliseconds before the second attempt to connect, and at most (default 1000:60000)',
  },
  'device-key': { type: 'string', value: 'file', about: "key of the trusted environment's state" },
  counter: { type: 'string', value: 'file', about: "counter file outside the trusted environment's directory" },
  'tre-socket': {
    type: 'string',
    value: 'path',
    about: 'use the trusted environment that listens here, under a user of its own; it is neither started nor ended',
  },
} as const satisfies Readonly<Record<string, OptionForm>>;

/** Directory of the TrE in a terminal's state. */
export function treDirectory(state: string): string {
  return join(state, 'tre');
}

/** Lines of JSON on standard error. */
export const STANDARD_ERROR: AgentLog = {
  info: (fields, message) => process.stderr.write(`${JSON.stringify({ level: 'info', message, ...fields })}\n`),
  warn: (fields, message) => process.stderr.write(`${JSON.stringify({ level: 'warn', message, ...fields })}\n`),
};

export interface OpenTerminal {
  readonly agent: Agent;
  readonly platform: RemotePlatform;
  /** whether the end of the command is the TrE's too: not of one that runs for itself */
  readonly endsTre: boolean;
}

/**
 * The terminal of a state directory, booted; its TrE is started where it does not run. Enrolled with the token where it is not yet.
 * @throws AgentError; the TrE's connection is closed then
 */
export async function openTerminal(values: OptionValues): Promise<OpenTerminal> {
  const binding = bindingOf(values.optional('binding'));
  const backOff = backOffOf(values.optional('back-off'));
  const state = values.text('state');
  const platform = await connectToTre(state, values);
  try {
    const files = new DiskFiles(join(state, 'agent'));
    // The TrE serves one agent at a time, so nobody else writes there now.
    await files.sweep();
    const agent = await createAgent({
      platform,
      files,
      slots: values.text('slots'),
      platformLogs: await platformLogsOf(values),
      binding,
      backOff,
      log: STANDARD_ERROR,
    });
    const token = values.optional('token');
    if (agent.enrolment === undefined && token !== undefined) await agent.enrol(await readToken(token));
    return { agent, platform, endsTre: values.optional('tre-socket') === undefined };
  } catch (error) {
    await platform.close();
    throw error;
  }
}

async function connectToTre(state: string, values: OptionValues): Promise<RemotePlatform> {
  const socket = values.optional('tre-socket');
  const [deviceKey, counter, tpm] = [values.optional('device-key'), values.optional('counter'), tpmOf(values)];
  if (socket === undefined) {
    const directory = treDirectory(state);
    const platform = await connectOrStart({ directory, command: ownCommand(), deviceKey, counter, tpm });
    // One that ran already may be another than the one asked for.
    if (((await platform.identity()).backEnd === 'tpm2') === (tpm !== undefined)) return platform;
    await platform.close();
    throw new AgentError('option.invalid', 'a trusted environment of the other kind runs on this state: see --tpm');
  }
  if (deviceKey !== undefined || counter !== undefined || values.optional('tpm') !== undefined) {
    throw new AgentError('option.invalid', '--device-key, --counter and --tpm belong to the one who starts the TrE');
  }
  return RemotePlatform.connectAt(socket, { role: 'agent' });
}

/** The files named; those of the kernel where this machine's own TPM is used and they can be read. */
async function platformLogsOf(values: OptionValues): Promise<PlatformLogs> {
  const isOwnTpm = tpmOf(values)?.startsWith('device:') === true;
  const named = async (option: string, byDefault: string): Promise<string | undefined> =>
    values.optional(option) ?? (isOwnTpm && (await isReadable(byDefault)) ? byDefault : undefined);
  return platformLogFiles({
    firmware: await named('firmware-log', KERNEL_FIRMWARE_LOG),
    ima: await named('ima-log', KERNEL_IMA_LOG),
  });
}

async function isReadable(file: string): Promise<boolean> {
  return access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
}

/** @throws AgentError `option.invalid` */
function backOffOf(text: string | undefined): BackOff {
  if (text === undefined) return DEFAULT_BACK_OFF;
  const [, first, most] = /^(\d{1,8}):(\d{1,8})$/.exec(text) ?? [];
  const backOff = { firstMs: Number(first), mostMs: Number(most) };
  if (backOff.firstMs >= 1 && backOff.mostMs >= backOff.firstMs) return backOff;
  throw new AgentError('option.invalid', '--back-off FIRST:MOST in milliseconds');
}

function bindingOf(text = 'tls-exporter'): 'tls-exporter' | 'tls-server-end-point' {
  if (text === 'tls-exporter' || text === 'tls-server-end-point') return text;
  throw new AgentError('option.invalid', '--binding tls-exporter or tls-server-end-point');
}

/** A token is a secret: it comes from a file or standard input, never from the command line. */
async function readToken(file: string): Promise<Uint8Array> {
  try {
    if (file !== '-') return new Uint8Array(await readFile(file));
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return new Uint8Array(Buffer.concat(chunks));
  } catch (cause) {
    throw new AgentError('file.unreadable', file, { cause });
  }
}
