import { type FileHandle, open } from 'node:fs/promises';
import {
  detectImaForm,
  type ImaForm,
  type ImaPosition,
  ProtocolError,
  readImaAscii,
  readImaBinary,
} from '@mtm-attest/protocol';
import { AgentError } from '../error.ts';

const READ_BYTES = 262_144;
const BEGINNING: ImaPosition = { offset: 0, index: 0 };

/** The file in which a kernel shows its IMA list, in either form; it only grows while the machine runs. */
export class ImaListFile {
  readonly #path: string;
  /** of the entry asked for last: the next question goes on from there */
  #mark: ImaPosition = BEGINNING;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Entries from `first` on. An entry that is cut off at the end has not been written whole and is left out. What is no list is given as it
   * is, from the fault on: it is not for the agent to judge.
   *
   * @throws AgentError `file.unreadable`
   */
  async *entries(first: number): AsyncGenerator<Uint8Array> {
    const file = await open(this.#path).catch((cause: unknown) => {
      throw new AgentError('file.unreadable', this.#path, { cause });
    });
    try {
      yield* this.#entries(file, first);
    } finally {
      await file.close();
    }
  }

  async *#entries(file: FileHandle, first: number): AsyncGenerator<Uint8Array> {
    let position = this.#mark.index <= first ? this.#mark : BEGINNING;
    let rest: Uint8Array = new Uint8Array();
    let form: ImaForm | undefined;
    for (;;) {
      const piece = await this.#read(file, position.offset + rest.length);
      if (piece.length === 0) return;
      const bytes = rest.length === 0 ? piece : new Uint8Array(Buffer.concat([rest, piece]));
      let start = position.index >= first ? position.offset : undefined;
      try {
        form ??= detectImaForm(bytes);
        const read = (form.form === 'ascii' ? readImaAscii : readImaBinary)(
          bytes,
          form.shown,
          ({ index, offset }) => {
            if (index === first) start = offset;
          },
          position,
        );
        const end = { offset: position.offset + read.bytes, index: position.index + read.entries };
        start ??= end.index === first ? end.offset : undefined;
        if (start !== undefined && position.index <= first) this.#mark = { offset: start, index: first };
        if (start !== undefined && start < end.offset)
          yield bytes.subarray(start - position.offset, end.offset - position.offset);
        rest = bytes.subarray(read.bytes);
        position = end;
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        yield bytes;
        yield* this.#raw(file, position.offset + bytes.length);
        return;
      }
    }
  }

  async *#raw(file: FileHandle, offset: number): AsyncGenerator<Uint8Array> {
    for (let at = offset; ; ) {
      const piece = await this.#read(file, at);
      if (piece.length === 0) return;
      yield piece;
      at += piece.length;
    }
  }

  async #read(file: FileHandle, offset: number): Promise<Uint8Array> {
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(READ_BYTES), 0, READ_BYTES, offset);
      return buffer.subarray(0, bytesRead);
    } catch (cause) {
      throw new AgentError('file.unreadable', this.#path, { cause });
    }
  }
}
