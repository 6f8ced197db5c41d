import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { utf8 } from '@mtm-attest/protocol';
import { AgentError } from '../../error.ts';
import { Secret } from '../../secret.ts';
import type { DurableFiles } from '../../storage/durable-files.ts';
import { readState, type StoredState, writeState } from './stored-state.ts';

/** Name of the state file: a directory that holds it is a TrE's. */
export const STATE_FILE = 'state.bin';
/** Shows that there was a state once: without it, a state that was removed would look like a new device. */
const MARK = 'state.made';
const MAGIC = utf8('mtm-tre');
const VERSION = 1;
const SALT = new Uint8Array();
const INFO = utf8('mtm-attest/v1 soft TrE state');
const CIPHER = 'aes-256-gcm';
const HEADER_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The counter outside the directory: its value is the newest generation that was made durable, or the one before it. */
export interface GenerationCounter {
  read(): Promise<number | undefined>;
  write(generation: number): Promise<void>;
}

/**
 * The state of a soft TrE: one file, replaced at once, AES-256-GCM under a key derived from the device key, the header authenticated with it.
 * Layout: "mtm-tre", u8 version, 12 bytes nonce, ciphertext, 16 bytes tag. The nonce is random and new with every write (F-66).
 */
export class StateFile {
  readonly #files: DurableFiles;
  readonly #key: Secret;
  readonly #counter: GenerationCounter | undefined;
  readonly #random: (length: number) => Uint8Array;
  #marked = false;
  #counted = false;

  /** @param deviceKey used here only; the caller may destroy it */
  constructor(
    files: DurableFiles,
    deviceKey: Secret,
    random: (length: number) => Uint8Array,
    counter?: GenerationCounter,
  ) {
    this.#files = files;
    this.#key = deviceKey.use((bytes) => Secret.taking(new Uint8Array(hkdfSync('sha256', bytes, SALT, INFO, 32))));
    this.#random = random;
    this.#counter = counter;
  }

  /**
   * The state as it was saved last. The counter outside may be one behind it, after a crash between the two writes; then it is mended.
   *
   * @returns undefined on a fresh device
   * @throws AgentError `state.tampered`, `state.version`, `state.missing`, `state.rolled-back`, `state.run-ahead`, `state.counter-missing` (F-73)
   */
  async load(): Promise<StoredState | undefined> {
    const bytes = await this.#files.read(STATE_FILE);
    const outside = await this.#counter?.read();
    if (bytes === undefined) {
      if (outside !== undefined) throw new AgentError('state.rolled-back', `counter ${outside}, and no state`);
      if ((await this.#files.read(MARK)) !== undefined) throw new AgentError('state.missing');
      return undefined;
    }
    const clear = this.#opened(bytes);
    const state = readState(clear);
    clear.fill(0);
    checkCounter(state, outside);
    await this.#mark();
    if (outside !== state.generation) await this.#counter?.write(state.generation);
    this.#counted = this.#counter !== undefined;
    return state;
  }

  /**
   * Saves the first state of a boot. With a counter outside it takes two writes, so that a copy of the directory is two generations ahead of
   * that counter before it can quote for the first time elsewhere: too far for a crash between the two files.
   *
   * @returns the state as saved
   */
  async saveStart(state: StoredState): Promise<StoredState> {
    const saved = await this.save(state);
    return this.#counter === undefined ? saved : this.save({ ...saved, generation: saved.generation + 1 });
  }

  /** Durable before it returns: the state first, then the counter outside. @returns the state as saved */
  async save(state: StoredState): Promise<StoredState> {
    const saved = { ...state, guarded: this.#counted };
    await this.#files.replace(STATE_FILE, this.#sealed(saved));
    await this.#counter?.write(saved.generation);
    this.#counted = this.#counter !== undefined;
    await this.#mark();
    return saved;
  }

  async #mark(): Promise<void> {
    if (this.#marked) return;
    if ((await this.#files.read(MARK)) === undefined) await this.#files.replace(MARK, utf8(`${VERSION}\n`));
    this.#marked = true;
  }

  #sealed(state: StoredState): Uint8Array {
    const header = new Uint8Array(HEADER_BYTES);
    header.set(MAGIC);
    header[HEADER_BYTES - 1] = VERSION;
    const nonce = this.#random(NONCE_BYTES);
    const clear = writeState(state);
    const parts = this.#key.use((key) => {
      const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(header);
      return [header, nonce, cipher.update(clear), cipher.final(), cipher.getAuthTag()];
    });
    clear.fill(0);
    return Buffer.concat(parts);
  }

  #opened(bytes: Uint8Array): Uint8Array {
    const header = bytes.subarray(0, HEADER_BYTES);
    if (bytes.length < HEADER_BYTES + NONCE_BYTES + TAG_BYTES || MAGIC.some((byte, i) => header[i] !== byte)) {
      throw new AgentError('state.tampered');
    }
    if (header[HEADER_BYTES - 1] !== VERSION) throw new AgentError('state.version');
    const nonce = bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES);
    const body = bytes.subarray(HEADER_BYTES + NONCE_BYTES, bytes.length - TAG_BYTES);
    return this.#key.use((key) => {
      const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(header);
      decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
      const clear = decipher.update(body);
      try {
        decipher.final();
      } catch (cause) {
        throw new AgentError('state.tampered', undefined, { cause });
      }
      return clear;
    });
  }
}

/** What a counter outside says of a state: an old copy is behind it, a copy that was used elsewhere is more than one write ahead. */
function checkCounter({ generation, guarded }: StoredState, outside: number | undefined): void {
  if (outside === undefined) {
    if (guarded) throw new AgentError('state.counter-missing');
    return;
  }
  const both = `counter ${outside}, state ${generation}`;
  if (outside > generation) throw new AgentError('state.rolled-back', both);
  if (outside < generation - 1) throw new AgentError('state.run-ahead', both);
}
