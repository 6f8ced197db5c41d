import { spawn } from 'node:child_process';
import { AgentError } from '../../error.ts';
import { RemotePlatform } from './remote-platform.ts';

export interface TreStart {
  /** the TrE's own directory */
  readonly directory: string;
  /** how `mtm-agent` is started: program and first arguments */
  readonly command: readonly [program: string, ...args: string[]];
  readonly deviceKey?: string | undefined;
  readonly counter?: string | undefined;
}

/**
 * The agent's connection to the TrE of a directory, which is started where none runs there. It outlives its agent: ending an agent is no
 * power loss.
 *
 * @throws AgentError `platform.busy`; `platform.unavailable` with what the TrE said where it did not start
 */
export async function connectOrStart(options: TreStart): Promise<RemotePlatform> {
  try {
    return await RemotePlatform.connect(options.directory, 'agent');
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'platform.unavailable') throw error;
  }
  await startTre(options);
  return RemotePlatform.connect(options.directory, 'agent');
}

/** Resolves once the TrE serves: it says so on standard output. @returns its process id */
export function startTre({ directory, command, deviceKey, counter }: TreStart): Promise<number> {
  const [program, ...first] = command;
  const args = [...first, 'tre', '--state', directory];
  if (deviceKey !== undefined) args.push('--device-key', deviceKey);
  if (counter !== undefined) args.push('--counter', counter);
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8');
    });
    child.once('error', (cause) => {
      reject(new AgentError('platform.unavailable', cause.message, { cause }));
    });
    child.once('close', () => {
      reject(new AgentError('platform.unavailable', said.trim()));
    });
    child.stdout.once('data', () => {
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      resolve(child.pid ?? 0);
    });
  });
}
