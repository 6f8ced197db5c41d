import { type CelNumbering, HASHES, type HashName, type PcrValues, toHex } from '@mtm-attest/protocol';
import type { ImaOptions } from './ima-options.ts';

/** Bytes of the log from `start` on, `length` at most; none at its end. */
export type ReadPiece = (start: number, length: number) => Uint8Array;

const PIECE_BYTES = 1_048_576;

/** A log in pieces, from its beginning to its end. */
export function* piecesOf(read: ReadPiece): Generator<Uint8Array> {
  for (let offset = 0; ; ) {
    const piece = read(offset, PIECE_BYTES);
    if (piece.length === 0) return;
    yield piece;
    offset += piece.length;
  }
}

/** What is asked about a log. */
export interface LogQuestion {
  /** PCR values to hold against the replayed ones, of banks that the format has */
  readonly given: PcrValues | undefined;
  /** every PCR value of the file, whether it counts or not: those of the boot give an IMA list's boot aggregate */
  readonly known?: PcrValues | undefined;
  /** the one bank asked for, else all */
  readonly bank: HashName | undefined;
  /** hears of every event, in words */
  readonly tell: (line: string) => void;
  /** what only IMA lists are asked */
  readonly ima?: ImaOptions;
  /** how the records of a canonical event log are numbered; per index */
  readonly celNumbering?: CelNumbering;
}

/** Replays a log piece by piece: its own memory does not grow with the log. @throws ProtocolError for bytes that are no such log */
export type LogChecker = (read: ReadPiece, question: LogQuestion) => CheckedLog;

/** One format of logs. */
export interface LogFormat {
  /** banks that such a log can explain */
  readonly banks: readonly HashName[];
  readonly check: LogChecker;
}

/** By bank and index, hexadecimal; null for a PCR whose value does not follow from the log. */
export type ReplayedPcrs = Readonly<Partial<Record<HashName, Readonly<Record<string, string | null>>>>>;

export interface PcrMismatch {
  readonly bank: HashName;
  readonly pcr: number;
  /** hexadecimal */
  readonly given: string;
  readonly replayed: string | null;
}

export interface LogAnomaly {
  readonly code: string;
  readonly detail: string;
  /** position of the event in the log, where one is to blame */
  readonly event?: number;
}

export interface Comparison {
  /** PCRs held against the log, by bank; one that the log does not touch matches at its reset value only */
  readonly compared: Readonly<Partial<Record<HashName, readonly number[]>>>;
  readonly firstMismatch: PcrMismatch | undefined;
}

export interface CheckedLog extends Comparison {
  readonly ok: boolean;
  readonly events: number;
  readonly pcrs: ReplayedPcrs;
  readonly anomalies: readonly LogAnomaly[];
  /** what only this format says, for the JSON document */
  readonly facts: Readonly<Record<string, unknown>>;
  /** the same for people: lines */
  readonly factsText: readonly string[];
}

/** Banks from the weakest on, the order in which they are compared and shown. */
export const BANKS = Object.keys(HASHES) as readonly HashName[];

/** Replayed values as they are shown; one that does not follow from the log is null. */
export function shownPcrs(
  pcrs: Readonly<Record<HashName, readonly (Uint8Array | undefined)[]>>,
  banks: readonly HashName[],
): ReplayedPcrs {
  return Object.fromEntries(
    banks.map((bank) => {
      const values = pcrs[bank].map((value, pcr) => [String(pcr), value === undefined ? null : toHex(value)] as const);
      return [bank, Object.fromEntries(values)];
    }),
  );
}

/** Holds given PCR values against replayed ones, banks and indices in ascending order. */
export function comparePcrs(given: PcrValues | undefined, replayed: ReplayedPcrs): Comparison {
  const compared: Partial<Record<HashName, readonly number[]>> = {};
  let firstMismatch: PcrMismatch | undefined;
  for (const bank of BANKS) {
    const values = [...(given?.[bank] ?? [])].sort(([a], [b]) => a - b);
    if (values.length === 0) continue;
    compared[bank] = values.map(([pcr]) => pcr);
    for (const [pcr, value] of values) {
      const hex = toHex(value);
      const follows = replayed[bank]?.[String(pcr)] ?? null;
      if (follows !== hex) firstMismatch ??= { bank, pcr, given: hex, replayed: follows };
    }
  }
  return { compared, firstMismatch };
}

/** One line of the list of events. */
export function eventLine(index: number, pcr: number | undefined, text: string): string {
  return `${String(index).padStart(7)}  PCR ${(pcr === undefined ? '--' : String(pcr)).padStart(2)}  ${text}`;
}
