import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { AgentError } from '../error.ts';

/** Processes of one terminal, by name; whatever still runs is killed when the simulation ends. */
export class Processes {
  readonly #command: readonly [program: string, ...args: string[]];
  readonly #running = new Map<string, ChildProcess>();

  /** @param command how `mtm-agent` is started */
  constructor(command: readonly [program: string, ...args: string[]], stopping: AbortSignal) {
    this.#command = command;
    stopping.addEventListener('abort', () => this.#end(), { once: true });
  }

  /**
   * @param ready resolves once it has said on standard output that it serves
   * @throws AgentError `platform.unavailable` with what it said on standard error
   */
  async start(name: string, args: readonly string[], ready?: 'once it serves'): Promise<void> {
    const [program, ...first] = this.#command;
    const child = spawn(program, [...first, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#running.set(name, child);
    if (ready === undefined) {
      child.stdout.resume();
      child.stderr.resume();
      return;
    }
    await served(child);
  }

  /** SIGKILL: nothing is put in order. Resolves once it is gone. */
  async kill(name: string): Promise<void> {
    const child = this.#running.get(name);
    this.#running.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  #end(): void {
    for (const child of this.#running.values()) child.kill('SIGKILL');
    this.#running.clear();
  }
}

function served(child: ReturnType<typeof spawn>): Promise<void> {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('error', (cause) => reject(new AgentError('platform.unavailable', cause.message, { cause })));
    child.once('close', () => reject(new AgentError('platform.unavailable', said.trim())));
  });
}
