import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { VerifierError } from '../../error.ts';
import { type CommandLine, ROOT } from './command-line.ts';

const SAID_KEPT = 2000;
const STOP_MS = 15_000;

/** A command that runs as a process of its own, ended by its id and nothing else. */
export class Child {
  readonly name: string;
  /** resolves with the exit code; null after a signal */
  readonly exited: Promise<number | null>;
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  #said = '';

  /** @param line told each line of standard output */
  constructor(name: string, [program, ...first]: CommandLine, args: readonly string[], line: (text: string) => void) {
    this.name = name;
    this.#process = spawn(program, [...first, ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    createInterface(this.#process.stdout).on('line', line);
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-SAID_KEPT);
    });
    this.exited = new Promise((resolve) => {
      this.#process.once('error', (cause) => {
        this.#said += cause.message;
        resolve(null);
      });
      this.#process.once('close', resolve);
    });
  }

  /** What to say when it ended though nobody asked it to. */
  ended(): VerifierError {
    return new VerifierError('demo.command', `${this.name}: ${this.#said.trim()}`);
  }

  /** SIGTERM, then SIGKILL if it does not end. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    const cut = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS);
    await this.exited;
    clearTimeout(cut);
  }
}
