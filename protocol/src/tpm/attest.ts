import { Cursor } from '../bytes/cursor.ts';
import { Writer } from '../bytes/writer.ts';
import { ProtocolError } from '../error.ts';
import type { ClockReading } from '../quote/boot-identity.ts';
import { TPM_GENERATED_VALUE, TPM_ST } from './constants.ts';
import { type PcrSelection, readPcrSelection } from './pcr.ts';

/** TPMU_ATTEST (Part 2, 10.12.7): what was attested, by type. */
export type Attested =
  | {
      readonly type: 'quote';
      readonly selection: PcrSelection;
      /** TPML_PCR_SELECTION as it stands in the structure */
      readonly selectionBytes: Uint8Array;
      readonly pcrDigest: Uint8Array;
    }
  | { readonly type: 'certify'; readonly name: Uint8Array; readonly qualifiedName: Uint8Array }
  | { readonly type: 'creation'; readonly objectName: Uint8Array; readonly creationHash: Uint8Array }
  | { readonly type: 'nv'; readonly indexName: Uint8Array; readonly offset: number; readonly contents: Uint8Array }
  | { readonly type: 'nv-digest'; readonly indexName: Uint8Array; readonly digest: Uint8Array }
  | { readonly type: 'time'; readonly time: bigint; readonly clockInfo: ClockReading; readonly firmwareVersion: bigint }
  | { readonly type: 'session-audit'; readonly exclusive: boolean; readonly digest: Uint8Array }
  | {
      readonly type: 'command-audit';
      readonly counter: bigint;
      readonly digestAlg: number;
      readonly auditDigest: Uint8Array;
      readonly commandDigest: Uint8Array;
    };

export type AttestType = Attested['type'];

/** TPMS_ATTEST (Part 2, 10.12.8). Byte strings are views on the input. */
export interface Attest {
  /** TPM_GENERATED_VALUE in everything that a TPM made */
  readonly magic: number;
  readonly qualifiedSigner: Uint8Array;
  readonly extraData: Uint8Array;
  readonly clockInfo: ClockReading;
  readonly firmwareVersion: bigint;
  readonly attested: Attested;
}

interface Body<T extends AttestType> {
  readonly tag: number;
  readonly read: (cursor: Cursor, whole: Uint8Array) => Extract<Attested, { type: T }>;
  readonly write: (writer: Writer, attested: Extract<Attested, { type: T }>) => void;
}

const BODIES: { readonly [T in AttestType]: Body<T> } = {
  quote: {
    tag: TPM_ST.ATTEST_QUOTE,
    read: (cursor, whole) => {
      const from = cursor.offset;
      const selection = readPcrSelection(cursor);
      const selectionBytes = whole.subarray(from, cursor.offset);
      return { type: 'quote', selection, selectionBytes, pcrDigest: cursor.sized() };
    },
    write: (writer, { selectionBytes, pcrDigest }) => writer.bytes(selectionBytes).sized(pcrDigest),
  },
  certify: {
    tag: TPM_ST.ATTEST_CERTIFY,
    read: (cursor) => ({ type: 'certify', name: cursor.sized(), qualifiedName: cursor.sized() }),
    write: (writer, { name, qualifiedName }) => writer.sized(name).sized(qualifiedName),
  },
  creation: {
    tag: TPM_ST.ATTEST_CREATION,
    read: (cursor) => ({ type: 'creation', objectName: cursor.sized(), creationHash: cursor.sized() }),
    write: (writer, { objectName, creationHash }) => writer.sized(objectName).sized(creationHash),
  },
  nv: {
    tag: TPM_ST.ATTEST_NV,
    read: (cursor) => ({ type: 'nv', indexName: cursor.sized(), offset: cursor.u16(), contents: cursor.sized() }),
    write: (writer, { indexName, offset, contents }) => writer.sized(indexName).u16(offset).sized(contents),
  },
  'nv-digest': {
    tag: TPM_ST.ATTEST_NV_DIGEST,
    read: (cursor) => ({ type: 'nv-digest', indexName: cursor.sized(), digest: cursor.sized() }),
    write: (writer, { indexName, digest }) => writer.sized(indexName).sized(digest),
  },
  time: {
    tag: TPM_ST.ATTEST_TIME,
    read: (cursor) => ({
      type: 'time',
      time: cursor.u64(),
      clockInfo: readClockInfo(cursor),
      firmwareVersion: cursor.u64(),
    }),
    write: (writer, { time, clockInfo, firmwareVersion }) => {
      writer.u64(time);
      writeClockInfo(writer, clockInfo);
      writer.u64(firmwareVersion);
    },
  },
  'session-audit': {
    tag: TPM_ST.ATTEST_SESSION_AUDIT,
    read: (cursor) => ({ type: 'session-audit', exclusive: readYesNo(cursor), digest: cursor.sized() }),
    write: (writer, { exclusive, digest }) => writer.u8(exclusive ? 1 : 0).sized(digest),
  },
  'command-audit': {
    tag: TPM_ST.ATTEST_COMMAND_AUDIT,
    read: (cursor) => ({
      type: 'command-audit',
      counter: cursor.u64(),
      digestAlg: cursor.u16(),
      auditDigest: cursor.sized(),
      commandDigest: cursor.sized(),
    }),
    write: (writer, { counter, digestAlg, auditDigest, commandDigest }) =>
      writer.u64(counter).u16(digestAlg).sized(auditDigest).sized(commandDigest),
  },
};

const BY_TAG: ReadonlyMap<number, Body<AttestType>> = new Map(
  Object.values(BODIES).map((body) => [body.tag, body as Body<AttestType>]),
);

/**
 * Exactly one TPMS_ATTEST. Magic and type are judged before anything behind them is read (F-18).
 *
 * @param only the one type that is taken; without it every type is
 * @throws ProtocolError `tpm.truncated`, `tpm.trailing-bytes`, `tpm.value`, `quote.magic`, `quote.type` (another type than `only`), with the offset
 */
export function parseAttest(bytes: Uint8Array, only?: AttestType): Attest {
  const cursor = new Cursor(bytes);
  const magic = cursor.u32();
  if (magic !== TPM_GENERATED_VALUE) throw new ProtocolError('quote.magic', 0);
  const tag = cursor.u16();
  if (only !== undefined && tag !== BODIES[only].tag) throw new ProtocolError('quote.type', 4);
  const body = BY_TAG.get(tag);
  if (body === undefined) throw new ProtocolError('tpm.value', 4);
  const qualifiedSigner = cursor.sized();
  const extraData = cursor.sized();
  const clockInfo = readClockInfo(cursor);
  const firmwareVersion = cursor.u64();
  const attested = body.read(cursor, bytes);
  cursor.end();
  return { magic, qualifiedSigner, extraData, clockInfo, firmwareVersion, attested };
}

/** The mirror image of parseAttest. */
export function writeAttest(attest: Attest): Uint8Array {
  const body = BODIES[attest.attested.type] as Body<AttestType>;
  const writer = new Writer(192).u32(attest.magic).u16(body.tag).sized(attest.qualifiedSigner).sized(attest.extraData);
  writeClockInfo(writer, attest.clockInfo);
  writer.u64(attest.firmwareVersion);
  body.write(writer, attest.attested);
  return writer.done();
}

/** TPMS_CLOCK_INFO (Part 2, 10.11.1). */
function readClockInfo(cursor: Cursor): ClockReading {
  return { clock: cursor.u64(), resetCount: cursor.u32(), restartCount: cursor.u32(), safe: readYesNo(cursor) };
}

function writeClockInfo(writer: Writer, { clock, resetCount, restartCount, safe }: ClockReading): void {
  writer
    .u64(clock)
    .u32(resetCount)
    .u32(restartCount)
    .u8(safe ? 1 : 0);
}

/** TPMI_YES_NO: 0 or 1, nothing else (Part 2, 9.2). */
function readYesNo(cursor: Cursor): boolean {
  const at = cursor.offset;
  const value = cursor.u8();
  if (value > 1) throw new ProtocolError('tpm.value', at);
  return value === 1;
}
