import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { decodeStrict, encodeCanonical, isMsgpackMap, type MsgpackMap, utf8 } from '@mtm-attest/protocol';
import { AgentError } from '../../error.ts';
import { Secret } from '../../secret.ts';
import type { DurableFiles } from '../../storage/durable-files.ts';

/** What a soft TrE keeps between power cycles. */
export interface StoredState {
  /** rises with every write; what a copy of the directory betrays itself by */
  readonly generation: number;
  /** PKCS #8 (DER) of the attestation key */
  readonly akPrivate: Uint8Array;
  /** PKCS #8 (DER) of the session key */
  readonly sessionPrivate: Uint8Array;
  readonly resetCount: number;
  readonly restartCount: number;
  /** no clock value above this one was ever shown, in milliseconds */
  readonly clockBound: number;
  /** the clock's true value at an orderly stop; absent after an unclean one */
  readonly clockAtStop?: number | undefined;
  readonly counters: Readonly<Record<string, number>>;
}

const NAME = 'state.bin';
const MAGIC = utf8('mtm-tre');
const VERSION = 1;
const SALT = new Uint8Array();
const INFO = utf8('mtm-attest/v1 soft TrE state');
const HEADER_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The counter outside the directory: its value is the newest generation that was made durable. */
export interface GenerationCounter {
  read(): Promise<number | undefined>;
  write(generation: number): Promise<void>;
}

/**
 * The state of a soft TrE: one file, replaced at once, AES-256-GCM under a key derived from the device key, the header authenticated with it.
 * Layout: "mtm-tre", u8 version, 12 bytes nonce, ciphertext, 16 bytes tag.
 */
export class StateFile {
  readonly #files: DurableFiles;
  readonly #key: Secret;
  readonly #counter: GenerationCounter | undefined;
  readonly #random: (length: number) => Uint8Array;

  constructor(
    files: DurableFiles,
    deviceKey: Secret,
    random: (length: number) => Uint8Array,
    counter?: GenerationCounter,
  ) {
    this.#files = files;
    this.#key = deviceKey.use((bytes) => new Secret(new Uint8Array(hkdfSync('sha256', bytes, SALT, INFO, 32))));
    this.#random = random;
    this.#counter = counter;
  }

  /**
   * @returns undefined on a fresh device
   * @throws AgentError `state.tampered`, `state.version`, `state.rolled-back` (the counter outside is newer, or there is one and no state)
   */
  async load(): Promise<StoredState | undefined> {
    const bytes = await this.#files.read(NAME);
    const outside = await this.#counter?.read();
    if (bytes === undefined) {
      if (outside !== undefined) throw new AgentError('state.rolled-back', `counter ${outside}, and no state`);
      return undefined;
    }
    const state = readState(this.#opened(bytes));
    if (outside !== undefined && outside > state.generation) {
      throw new AgentError('state.rolled-back', `counter ${outside}, state ${state.generation}`);
    }
    if (outside !== state.generation) await this.#counter?.write(state.generation);
    return state;
  }

  /** Durable before it returns: the state first, then the counter outside. */
  async save(state: StoredState): Promise<void> {
    const header = new Uint8Array(HEADER_BYTES);
    header.set(MAGIC);
    header[HEADER_BYTES - 1] = VERSION;
    const nonce = this.#random(NONCE_BYTES);
    const sealed = this.#key.use((key) => {
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      cipher.setAAD(header);
      return Buffer.concat([cipher.update(writeState(state)), cipher.final(), cipher.getAuthTag()]);
    });
    await this.#files.replace(NAME, Buffer.concat([header, nonce, sealed]));
    await this.#counter?.write(state.generation);
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
      const decipher = createDecipheriv('aes-256-gcm', key, nonce);
      decipher.setAAD(header);
      decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
      try {
        return Buffer.concat([decipher.update(body), decipher.final()]);
      } catch (cause) {
        throw new AgentError('state.tampered', undefined, { cause });
      }
    });
  }
}

function writeState(state: StoredState): Uint8Array {
  return encodeCanonical({
    akPrivate: state.akPrivate,
    clockBound: state.clockBound,
    counters: state.counters,
    generation: state.generation,
    resetCount: state.resetCount,
    restartCount: state.restartCount,
    sessionPrivate: state.sessionPrivate,
    ...(state.clockAtStop === undefined ? {} : { clockAtStop: state.clockAtStop }),
  });
}

/** The bytes were authenticated: a wrong form is a defect of an older version, not an attack. */
function readState(bytes: Uint8Array): StoredState {
  const map = decodeStrict(bytes);
  if (!isMsgpackMap(map)) throw new AgentError('state.version');
  const { akPrivate, sessionPrivate, counters, clockAtStop } = map;
  if (!(akPrivate instanceof Uint8Array) || !(sessionPrivate instanceof Uint8Array))
    throw new AgentError('state.version');
  if (counters === undefined || !isMsgpackMap(counters)) throw new AgentError('state.version');
  return {
    generation: number(map, 'generation'),
    akPrivate,
    sessionPrivate,
    resetCount: number(map, 'resetCount'),
    restartCount: number(map, 'restartCount'),
    clockBound: number(map, 'clockBound'),
    ...(clockAtStop === undefined ? {} : { clockAtStop: number(map, 'clockAtStop') }),
    counters: Object.fromEntries(Object.keys(counters).map((name) => [name, number(counters, name)])),
  };
}

function number(map: MsgpackMap, name: string): number {
  const value = map[name];
  if (typeof value !== 'number') throw new AgentError('state.version');
  return value;
}
