import { Cursor, ProtocolError, Writer } from '@mtm-attest/protocol';
import { AgentError } from '../error.ts';
import { type Authorization, Authorizations, type Confidential } from './authorization.ts';
import type { Command, Entity } from './command/command.ts';
import { GET_HANDLES } from './command/machine.ts';
import { FLUSH_CONTEXT } from './command/object.ts';
import { HANDLE_KIND, TAG } from './constants.ts';
import { isPutOff, isRefusal, TpmRefusal } from './response-code.ts';
import { HEADER_BYTES, type Transport } from './transport/transport.ts';

export interface ClientOptions {
  readonly transport: Transport;
  readonly random: (length: number) => Uint8Array;
  /** resolves after so many milliseconds */
  readonly wait: (ms: number) => Promise<void>;
  /** how long a command may take, milliseconds */
  readonly timeoutMs: number;
  /** how long one that makes keys may take, milliseconds */
  readonly slowMs: number;
}

/** One use of a command. */
export interface Call<P> {
  readonly handles?: readonly Entity[];
  /** for the first handles; the empty password where none is given */
  readonly auths?: readonly Authorization[];
  readonly parameters: P;
  readonly confidential?: Confidential;
}

const MAX_TRIES = 12;
const FIRST_WAIT_MS = 5;
const MAX_WAIT_MS = 1000;
const OK = 0;
const MAX_HANDLES = 64;

/**
 * Commands a TPM: one at a time, each response taken apart exactly. What the TPM puts off is sent again as it is, within bounds. Objects and
 * sessions that are still loaded when it closes are flushed.
 */
export class TpmClient {
  readonly #options: ClientOptions;
  /** transient objects and sessions that came to be here and were not flushed */
  readonly #loaded = new Set<number>();
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get random(): (length: number) => Uint8Array {
    return this.#options.random;
  }

  /**
   * @throws TpmRefusal (an AgentError) where the TPM refuses; AgentError `tpm.unreachable`, `tpm.timeout`, `tpm.response`, `tpm.session`,
   * `platform.unavailable` once it is closed
   */
  async run<P, R>(command: Command<P, R>, call: Call<P>): Promise<R> {
    return this.#inTurn(async () => {
      try {
        return await this.#run(command, call);
      } catch (error) {
        const full = isRefusal(error, 'OBJECT_MEMORY', 'SESSION_MEMORY', 'MEMORY', 'SESSION_HANDLES', 'OBJECT_HANDLES');
        if (!full || !(await this.#reclaim())) throw error;
        return await this.#run(command, call);
      }
    });
  }

  /** Flushes what this client loaded. */
  async flush(handle: number): Promise<void> {
    if (!this.#loaded.has(handle)) return;
    await this.run(FLUSH_CONTEXT, { parameters: { handle } });
    this.#loaded.delete(handle);
  }

  /** Forgets objects that the TPM dropped by itself, as it does when it is started anew. */
  forget(handle: number): void {
    this.#loaded.delete(handle);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    for (const handle of [...this.#loaded]) await this.flush(handle).catch(() => undefined);
    this.#closed = true;
    await this.#last;
    await this.#options.transport.close();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new AgentError('platform.unavailable', 'closed'));
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #run<P, R>(command: Command<P, R>, call: Call<P>): Promise<R> {
    const { handles = [], auths = [], parameters, confidential } = call;
    if (handles.length !== command.handles || auths.length > command.auths) {
      throw new RangeError(`${command.name}: handles or authorisations that it does not have`);
    }
    const all = Array.from({ length: command.auths }, (_, i) => auths[i] ?? {});
    const sessions = new Authorizations(command.code, all, confidential, this.#options.random);
    const response = await this.#exchange(command, assemble(command, handles, parameters, sessions));
    try {
      return this.#read(command, sessions, response);
    } catch (cause) {
      if (cause instanceof ProtocolError) throw new AgentError('tpm.response', command.name, { cause });
      throw cause;
    }
  }

  #read<P, R>(command: Command<P, R>, sessions: Authorizations, response: Uint8Array): R {
    const cursor = new Cursor(response);
    const tag = cursor.u16();
    cursor.u32();
    cursor.u32();
    if (tag !== (sessions.count > 0 ? TAG.SESSIONS : TAG.NO_SESSIONS)) {
      throw new AgentError('tpm.response', `${command.name}: another tag`);
    }
    const handle = command.returnsHandle === true ? cursor.u32() : 0;
    if (command.returnsHandle === true) this.#loaded.add(handle);
    let parameters: Uint8Array;
    if (sessions.count > 0) {
      const received = cursor.bytes(cursor.u32());
      parameters = sessions.open(received, cursor);
    } else {
      parameters = cursor.bytes(cursor.remaining);
    }
    const reader = new Cursor(parameters);
    const result = command.read(reader, handle);
    reader.end();
    return result;
  }

  /** Sends the same bytes until the TPM does not put them off any more. */
  async #exchange(command: Command<never, unknown>, bytes: Uint8Array): Promise<Uint8Array> {
    const { transport, wait, timeoutMs, slowMs } = this.#options;
    for (let tried = 1; ; tried++) {
      const response = await transport.exchange(bytes, command.slow === true ? slowMs : timeoutMs);
      const code = responseCode(command.name, response);
      if (code === OK) return response;
      if (!isPutOff(code) || tried === MAX_TRIES) throw new TpmRefusal(command.name, code);
      await wait(Math.min(FIRST_WAIT_MS * 2 ** (tried - 1), MAX_WAIT_MS));
    }
  }

  /**
   * Frees slots that somebody left behind who is gone: the TPM is locked, so no living program of ours holds them. Behind a resource manager only
   * our own are seen.
   * @returns whether anything was freed
   */
  async #reclaim(): Promise<boolean> {
    let freed = false;
    for (const from of [HANDLE_KIND.TRANSIENT, HANDLE_KIND.LOADED_SESSION]) {
      const { items } = await this.#run(GET_HANDLES, { parameters: { from, count: MAX_HANDLES } });
      for (const handle of items) {
        if (this.#loaded.has(handle)) continue;
        await this.#run(FLUSH_CONTEXT, { parameters: { handle } });
        freed = true;
      }
    }
    return freed;
  }
}

function assemble<P>(
  command: Command<P, unknown>,
  handles: readonly Entity[],
  values: P,
  sessions: Authorizations,
): Uint8Array {
  const clear = new Writer(256);
  command.write(clear, values);
  const body = new Writer(512);
  for (const { handle } of handles) body.u32(handle);
  if (sessions.count > 0) {
    const { area, parameters } = sessions.seal(handles, clear.written());
    body.lengthPrefixed(area).bytes(parameters);
  } else {
    body.bytes(clear.written());
  }
  // The parameters may hold a secret.
  clear.written().fill(0);
  return new Writer(HEADER_BYTES + 512)
    .u16(sessions.count > 0 ? TAG.SESSIONS : TAG.NO_SESSIONS)
    .u32(HEADER_BYTES + body.written().length)
    .u32(command.code)
    .bytes(body.written())
    .done();
}

/** @throws AgentError `tpm.response` where the header is none: a size that is another than the response has, an error with a body */
function responseCode(name: string, response: Uint8Array): number {
  if (response.length < HEADER_BYTES) throw new AgentError('tpm.response', `${name}: ${response.length} bytes`);
  const cursor = new Cursor(response);
  const tag = cursor.u16();
  const size = cursor.u32();
  const code = cursor.u32();
  const isError = code !== OK;
  if (size !== response.length || (isError && (tag !== TAG.NO_SESSIONS || size !== HEADER_BYTES))) {
    throw new AgentError('tpm.response', `${name}: a header that does not fit`);
  }
  return code;
}
