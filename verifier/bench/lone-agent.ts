import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Agent, createAgent, DiskFiles, type OpenSoft, openSoftOnDisk } from '@mtm-attest/agent';
import { EVENTS, encodeEvent, encodeRecord, utf8 } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { installRelease } from '../test/support/release.ts';
import { ScriptedVerifier } from './scripted-verifier.ts';

/** Files in memory, so that the disk's speed is not what is measured; the file operations stay. */
const SHARED_MEMORY = '/dev/shm';
const LOG = 'log.bin';
/** One file to measure: measuring more costs more, and grows nothing. */
const COMPONENTS = 1;
/** Its boot, release, component and ready. */
const BOOT_EVENTS = 3 + COMPONENTS;
const AUDIT_PCR = EVENTS.audit.pcrs[0] ?? 0;

/** One agent with all its files, and a verifier in the same process. */
export class LoneAgent {
  readonly verifier: ScriptedVerifier = new ScriptedVerifier();
  readonly #directory: string;
  readonly #soft: OpenSoft;
  readonly #files: DiskFiles;
  #agent: Agent | undefined;
  #run: Promise<void> | undefined;

  private constructor(directory: string, soft: OpenSoft) {
    this.#directory = directory;
    this.#soft = soft;
    this.#files = new DiskFiles(join(directory, 'agent'));
  }

  /** @param events so many at least are in its log when it connects */
  static async start(events = 0): Promise<LoneAgent> {
    const directory = mkdtempSync(join(SHARED_MEMORY, 'mtm-bench-'));
    installRelease(join(directory, 'slots'), generateKeyPairSync('ed25519').privateKey, COMPONENTS);
    const soft = await openSoftOnDisk({ directory: join(directory, 'tre') });
    const lone = new LoneAgent(directory, soft);
    await lone.#files.replace('enrolment.json', utf8(ScriptedVerifier.enrolment('t-1')));
    await lone.#boot();
    await lone.#lengthen(events);
    await lone.#boot();
    lone.#run = lone.#agent?.run();
    await lone.verifier.connected();
    await lone.verifier.audit();
    return lone;
  }

  async stop(): Promise<void> {
    await this.#agent?.disconnect();
    await this.#run;
    await this.#soft.close();
    rmSync(this.#directory, { recursive: true });
  }

  async #boot(): Promise<void> {
    this.#agent = await createAgent({
      platform: this.#soft.platform,
      files: this.#files,
      slots: join(this.#directory, 'slots'),
      backOff: { firstMs: 1, mostMs: 1 },
      dial: this.verifier.dial,
    });
  }

  /** Audits that were there before, in the log and in the PCR, as they would be had they been asked for. */
  async #lengthen(events: number): Promise<void> {
    const log = await this.#files.read(LOG);
    const records: Uint8Array[] = [];
    if (log === undefined) throw new RangeError('no log');
    for (let i = BOOT_EVENTS; i < events - 1; i++) {
      const content = encodeEvent({ type: 'audit', nonce: new Uint8Array(32).fill(i), listDigest: new Uint8Array(32) });
      records.push(encodeRecord(AUDIT_PCR, content));
      await this.#soft.platform.extend(AUDIT_PCR, nodeCrypto.sha256(content));
    }
    if (records.length > 0) await this.#files.append(LOG, new Uint8Array(Buffer.concat(records)));
  }
}
