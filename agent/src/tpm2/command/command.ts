import { type Cursor, TPM_RH, Writer } from '@mtm-attest/protocol';

/** A row of the command tables: all that tells one command of Part 3 from another. */
export interface Command<P, R> {
  /** as in Part 3, without TPM2_ */
  readonly name: string;
  /** TPM_CC */
  readonly code: number;
  /** number of handles */
  readonly handles: number;
  /** so many of them, the first ones, need authorisation */
  readonly auths: number;
  /** may take a minute: keys are made */
  readonly slow?: boolean;
  /** whether the response begins with a handle */
  readonly returnsHandle?: boolean;
  readonly write: (writer: Writer, parameters: P) => unknown;
  /** Reads the parameters of the response; what it leaves over is refused. @param handle that of the response, or 0 */
  readonly read: (cursor: Cursor, handle: number) => R;
}

/** A handle and the Name that stands for it in what sessions authenticate (Part 1, 16). */
export interface Entity {
  readonly handle: number;
  readonly name: Uint8Array;
}

/** Hierarchies, PCRs and sessions: their Name is their handle. */
export function permanent(handle: number): Entity {
  return { handle, name: new Writer(4).u32(handle).done() };
}

export const OWNER: Entity = permanent(TPM_RH.OWNER);
export const ENDORSEMENT: Entity = permanent(TPM_RH.ENDORSEMENT);
export const LOCKOUT: Entity = permanent(TPM_RH.LOCKOUT);
export const NONE: Entity = permanent(TPM_RH.NULL);

export const EMPTY: Uint8Array = new Uint8Array();

/** A command without parameters, or a response without. */
export const nothing = (): undefined => undefined;

/** TPMT_TK_*: a tag, a hierarchy and a digest. */
export interface Ticket {
  readonly tag: number;
  readonly hierarchy: number;
  readonly digest: Uint8Array;
}

export function readTicket(cursor: Cursor): Ticket {
  return { tag: cursor.u16(), hierarchy: cursor.u32(), digest: cursor.sized() };
}

export function writeTicket(writer: Writer, { tag, hierarchy, digest }: Ticket): Writer {
  return writer.u16(tag).u32(hierarchy).sized(digest);
}

/** What is left of the parameters. */
export function rest(cursor: Cursor): Uint8Array {
  return cursor.bytes(cursor.remaining);
}
