import { type ProtocolCode, type ReasonCode, SUBPROTOCOL } from '@mtm-attest/protocol';
import { type PlainMap, toPlain } from '../format/plain.ts';
import { type Note, schemaName, type VectorFile, type VectorGroup, type VectorTest } from '../format/vector-file.ts';
import type { VectorFileName } from '../test-type/table.ts';

/** A vector before it has its number. Fields are written as in the schema; byte strings become hexadecimal. */
export type DraftTest = {
  readonly comment: string;
  readonly flags: readonly string[];
  readonly fields: Readonly<Record<string, unknown>>;
  readonly error?: ProtocolCode | ReasonCode;
  readonly offset?: number | undefined;
};

export interface DraftGroup {
  readonly type: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly tests: readonly DraftTest[];
}

export interface Draft {
  readonly file: VectorFileName;
  readonly notes: Readonly<Record<string, Note>>;
  readonly groups: readonly DraftGroup[];
}

export function valid(
  comment: string,
  fields: Readonly<Record<string, unknown>>,
  flags: readonly string[] = [],
): DraftTest {
  return { comment, flags, fields };
}

export function invalid(
  comment: string,
  flag: string,
  error: ProtocolCode | ReasonCode,
  fields: Readonly<Record<string, unknown>>,
  offset?: number,
): DraftTest {
  return { comment, flags: [flag], fields, error, offset };
}

export function note(bugType: string, effect: string, ...attacks: readonly string[]): Note {
  return { bugType, effect, attacks };
}

/** Gives ids and counts. Groups without tests are left out. */
export function assemble({ file, notes, groups }: Draft): VectorFile {
  let tcId = 0;
  const numbered: readonly VectorGroup[] = groups
    .filter(({ tests }) => tests.length > 0)
    .map(({ type, fields = {}, tests }) => ({
      type,
      ...plainFields(fields),
      tests: tests.map((test) => {
        tcId += 1;
        return numberedTest(tcId, test);
      }),
    }));
  return { schema: schemaName(file), protocol: SUBPROTOCOL, count: tcId, notes, groups: numbered };
}

function numberedTest(tcId: number, { comment, flags, fields, error, offset }: DraftTest): VectorTest {
  return {
    tcId,
    comment,
    flags,
    ...plainFields(fields),
    result: error === undefined ? 'valid' : 'invalid',
    ...(error === undefined ? {} : { error }),
    ...(offset === undefined ? {} : { offset }),
  };
}

function plainFields(fields: Readonly<Record<string, unknown>>): PlainMap {
  return toPlain(fields) as PlainMap;
}
