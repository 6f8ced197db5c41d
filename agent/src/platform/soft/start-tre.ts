import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { AGENT_CODES, type AgentCode, AgentError } from '../../error.ts';
import { RemotePlatform } from './remote-platform.ts';

export interface TreStart {
  /** the TrE's own directory */
  readonly directory: string;
  /** how `mtm-agent` is started: program and first arguments */
  readonly command: readonly [program: string, ...args: string[]];
  readonly deviceKey?: string | undefined;
  readonly counter?: string | undefined;
  /** where the TPM is; the TrE is in software without it */
  readonly tpm?: string | undefined;
  /** the TrE powers off in order once this process ends; otherwise it outlives it */
  readonly bound?: boolean;
}

const TRIES = 8;

/** A TrE process that serves. */
export interface StartedTre {
  readonly pid: number;
  /** Sends a signal and waits for the end: SIGTERM is an orderly power off, SIGKILL a power cut. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

/**
 * The agent's connection to the TrE of a directory, which is started where none runs there. It outlives its agent: ending an agent is no
 * power loss.
 *
 * @throws AgentError `platform.busy`; what the TrE said where it did not start
 */
export async function connectOrStart(options: TreStart): Promise<RemotePlatform> {
  for (let tried = 1; ; tried++) {
    try {
      return await RemotePlatform.connect(options.directory, { role: 'agent' });
    } catch (error) {
      if (!isCode(error, 'platform.unavailable') || tried === TRIES) throw error;
    }
    try {
      await startTre(options);
    } catch (error) {
      // Another one has just been started, or is about to end.
      if (!isCode(error, 'tre.running')) throw error;
    }
  }
}

function isCode(error: unknown, code: AgentCode): boolean {
  return error instanceof AgentError && error.code === code;
}

/**
 * Resolves once the TrE serves: it says so on standard output.
 * @throws AgentError with the code that the TrE ended with
 */
export async function startTre(options: TreStart): Promise<StartedTre> {
  const [program, ...first] = options.command;
  const child = spawn(program, [...first, ...argumentsOf(options)], {
    detached: true,
    stdio: [options.bound === true ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const pid = await serving(child, ended);
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  return {
    pid,
    kill: async (signal) => {
      child.ref();
      child.kill(signal);
      await ended;
    },
  };
}

function argumentsOf({ directory, deviceKey, counter, tpm, bound }: TreStart): string[] {
  return [
    ...['tre', '--state', directory],
    ...(deviceKey === undefined ? [] : ['--device-key', deviceKey]),
    ...(counter === undefined ? [] : ['--counter', counter]),
    ...(tpm === undefined ? [] : ['--tpm', tpm]),
    ...(bound === true ? ['--bound'] : []),
    '--json',
  ];
}

function serving(child: ChildProcess, ended: Promise<void>): Promise<number> {
  let said = '';
  return new Promise((resolve, reject) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8');
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8');
      if (child.pid !== undefined && said.includes('"serves":true')) resolve(child.pid);
    });
    child.once('error', (cause) => {
      reject(new AgentError('platform.unavailable', cause.message, { cause }));
    });
    void ended.then(() => {
      reject(failureOf(said));
    });
  });
}

/** The code that stands in what a TrE said before it ended. */
function failureOf(said: string): AgentError {
  const code = /"code":"([a-z.-]+)"/.exec(said)?.[1];
  if (code !== undefined && Object.hasOwn(AGENT_CODES, code)) return new AgentError(code as AgentCode);
  return new AgentError('platform.unavailable', said.trim());
}
