import {
  type BootIdentity,
  compareBootIdentity,
  decodeEvent,
  EVENTS,
  encodeEvent,
  encodeRecord,
  type LogEvent,
  LogReplay,
  MAX_RECORDS,
  MAX_SLICE_BYTES,
  ProtocolError,
  readWholeRecords,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { AT_RESET, type BootStart, isAt } from '../boot/boot-start.ts';
import { AgentError } from '../error.ts';
import type { TrustedPlatform } from '../platform/platform.ts';
import type { DurableFiles } from '../storage/durable-files.ts';

const NAME = 'log.bin';
/** Every so many events the file offset is remembered. */
const INDEX_STEP = 64;
const READ_BYTES = 1_048_576;

/** What a log says of its boot, for going on after a restart of the agent. */
export interface LoggedBoot {
  release: number | undefined;
  readonly components: Set<string>;
  ready: boolean;
  readonly started: Set<string>;
}

interface Read {
  readonly pcrs: Uint8Array;
  /** bytes of whole records */
  readonly bytes: number;
  readonly total: number;
  readonly boot: BootIdentity | undefined;
  readonly last: { readonly pcr: number; readonly digest: Uint8Array } | undefined;
}

/**
 * The event log of this boot on disk, and its order with the PCRs: append, fsync, extend. After a crash the log is at most one event ahead of
 * the PCRs, and at most its last record is torn (SPEC.md 4.5).
 */
export class LogFile {
  readonly #files: DurableFiles;
  readonly #platform: TrustedPlatform;
  readonly #maxEvents: number;
  readonly #logged: LoggedBoot = { release: undefined, components: new Set(), ready: false, started: new Set() };
  /** file offset of event 0, INDEX_STEP, 2 * INDEX_STEP … */
  readonly #offsets: number[] = [0];
  #count = 0;
  #bytes = 0;
  #last: Promise<void> = Promise.resolve();
  #stopped = false;

  readonly #start: BootStart;

  private constructor(files: DurableFiles, platform: TrustedPlatform, maxEvents: number, start: BootStart) {
    this.#start = start;
    this.#files = files;
    this.#platform = platform;
    this.#maxEvents = maxEvents;
  }

  /**
   * Opens the log of the platform's present boot, mends what a crash left, or begins a new one. While nothing has been extended, whatever lies
   * there belongs to an older boot. A log that was full before a Resume cannot name it: it opens all the same, and takes nothing more.
   *
   * @param agent version for the boot event
   * @param maxEvents so many and no more (F-29)
   * @param start where the log of a boot begins
   * @throws AgentError `log.diverged` where log and PCRs do not belong together
   */
  static async open(
    files: DurableFiles,
    platform: TrustedPlatform,
    agent: string,
    maxEvents = MAX_RECORDS,
    start = AT_RESET,
  ): Promise<LogFile> {
    const log = new LogFile(files, platform, maxEvents, start);
    const { boot } = await platform.identity();
    const pcrs = await platform.readPcrs();
    if (isAt(start, pcrs, start.pcrs)) {
      await files.replace(NAME, new Uint8Array());
      await log.append({ type: 'boot', ...boot, agent });
      return log;
    }
    const read = await log.#readOwn();
    await log.#mend(read, pcrs);
    if (read.boot === undefined) throw new AgentError('log.diverged');
    if (compareBootIdentity(read.boot, boot) !== 0 && !log.#isFull())
      await log.append({ type: 'boot', ...boot, agent });
    return log;
  }

  get count(): number {
    return this.#count;
  }

  get logged(): LoggedBoot {
    return this.#logged;
  }

  /**
   * Append, fsync, extend; one event after the other. After a failure nothing more is appended: the log may be one event ahead already, and
   * opening it again mends that.
   *
   * @throws AgentError `log.full` (F-29), `log.stopped`
   */
  append(event: LogEvent, pcr: number | undefined = EVENTS[event.type].pcrs[0]): Promise<void> {
    const appended = this.#last.then(() => this.#append(event, pcr));
    this.#last = appended.catch(() => undefined);
    return appended;
  }

  async #append(event: LogEvent, pcr: number | undefined): Promise<void> {
    if (this.#stopped) throw new AgentError('log.stopped');
    if (pcr === undefined) throw new RangeError(`${event.type} stands in no PCR`);
    if (this.#isFull()) throw new AgentError('log.full');
    const content = encodeEvent(event);
    const record = encodeRecord(pcr, content);
    this.#stopped = true;
    await this.#files.append(NAME, record);
    await this.#platform.extend(pcr, nodeCrypto.sha256(content));
    this.#stopped = false;
    this.#passed(this.#bytes + record.length);
    this.#note(event);
  }

  /**
   * The bytes of events `from` to `to`, in slices of whole records.
   * @param to count at which the quote was taken: what came later is not part of the evidence
   */
  async *slices(from: number, to: number): AsyncGenerator<Uint8Array> {
    let index = from - (from % INDEX_STEP);
    let offset = this.#offsets[index / INDEX_STEP] ?? this.#bytes;
    while (index < to) {
      const bytes = await this.#files.readRange(NAME, offset, MAX_SLICE_BYTES);
      let start = 0;
      let end = 0;
      let at = index;
      readWholeRecords(bytes, index, (_pcr, _content, i, next) => {
        if (i < from) start = next;
        if (i < to) {
          end = next;
          at = i + 1;
        }
      });
      if (end === 0) return;
      if (end > start) yield bytes.subarray(start, end);
      offset += end;
      index = at;
    }
  }

  /** A torn last record was never extended; a whole one may not have been yet. Never both: one event is logged and extended at a time. */
  async #mend(read: Read, pcrs: Uint8Array): Promise<void> {
    if (isAt(this.#start, read.pcrs, pcrs)) {
      if (read.bytes !== read.total) await this.#files.truncate(NAME, read.bytes);
      return;
    }
    const { last } = read;
    const ahead = new LogReplay(nodeCrypto.sha256, { count: 0, pcrs });
    if (last !== undefined) ahead.extend(last.pcr, last.digest);
    if (last === undefined || read.bytes !== read.total || !isAt(this.#start, ahead.values(), read.pcrs)) {
      throw new AgentError('log.diverged');
    }
    await this.#platform.extend(last.pcr, last.digest);
  }

  /** A log that cannot be read is not ours to repair. */
  async #readOwn(): Promise<Read> {
    try {
      return await this.#read();
    } catch (cause) {
      if (cause instanceof ProtocolError) throw new AgentError('log.diverged', cause.message, { cause });
      throw cause;
    }
  }

  /** Replays the file in pieces, noting what it says. */
  async #read(): Promise<Read> {
    const replay = new LogReplay(nodeCrypto.sha256, { count: 0, pcrs: this.#start.pcrs });
    let boot: BootIdentity | undefined;
    let last: Read['last'];
    let offset = 0;
    for (;;) {
      const piece = await this.#files.readRange(NAME, offset, READ_BYTES);
      const { bytes } = readWholeRecords(piece, this.#count, (pcr, content, _index, end) => {
        const digest = nodeCrypto.sha256(content);
        replay.extend(pcr, digest);
        last = { pcr, digest };
        const event = decodeEvent(pcr, content);
        if (event.type === 'boot') boot = { resetCount: event.resetCount, restartCount: event.restartCount };
        this.#note(event);
        this.#passed(offset + end);
      });
      offset += bytes;
      if (bytes === 0) {
        const total = offset + piece.length;
        return { pcrs: replay.values(), bytes: offset, total, boot, last };
      }
    }
  }

  #isFull(): boolean {
    return this.#count >= this.#maxEvents;
  }

  /** One more event stands in the file. @param end offset after its record */
  #passed(end: number): void {
    this.#count += 1;
    this.#bytes = end;
    if (this.#count % INDEX_STEP === 0) this.#offsets[this.#count / INDEX_STEP] = this.#bytes;
  }

  #note(event: LogEvent): void {
    if (event.type === 'release') this.#logged.release = event.release;
    else if (event.type === 'component') this.#logged.components.add(event.name);
    else if (event.type === 'ready') this.#logged.ready = true;
    else if (event.type === 'started') this.#logged.started.add(event.name);
  }
}
