import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, VerifierSite } from '../support/verifier-site.ts';
import { BackgroundVerifier } from './command.ts';

/** A directory of its own as `init` leaves it, and the daemon in a process of its own where one was started. */
export class Site extends VerifierSite {
  #daemon: BackgroundVerifier | undefined;

  static async prepare(): Promise<Site> {
    const site = new Site(mkdtempSync(join(tmpdir(), 'mtm-cli-')));
    await site.initialise();
    return site;
  }

  get daemon(): BackgroundVerifier {
    if (this.#daemon === undefined) throw new RangeError('not started');
    return this.#daemon;
  }

  async serve(...settings: readonly string[]): Promise<void> {
    this.#daemon = new BackgroundVerifier(this.serving(settings));
    this.listens(await this.#daemon.firstLine());
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.ask('GET', path, undefined, headers);
  }

  async remove(): Promise<void> {
    this.disconnect();
    await this.#daemon?.kill();
    rmSync(this.directory, { recursive: true });
  }
}
