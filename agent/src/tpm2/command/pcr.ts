import { type PcrSelection, readPcrSelection, writePcrSelection } from '@mtm-attest/protocol';
import { TPM_CC } from '../constants.ts';
import { type Command, nothing } from './command.ts';

/** PCRs: their handle is their number. */

export interface PcrsRead {
  readonly updateCounter: number;
  /** what of the selection was read: eight values at most */
  readonly selection: PcrSelection;
  readonly values: readonly Uint8Array[];
}

const MAX_VALUES = 8;

export const PCR_READ: Command<{ readonly selection: PcrSelection }, PcrsRead> = {
  name: 'PCR_Read',
  code: TPM_CC.PCR_Read,
  handles: 0,
  auths: 0,
  write: (writer, { selection }) => writer.bytes(writePcrSelection(selection)),
  read: (cursor) => {
    const updateCounter = cursor.u32();
    const selection = readPcrSelection(cursor);
    const count = Math.min(cursor.u32(), MAX_VALUES + 1);
    return { updateCounter, selection, values: Array.from({ length: count }, () => cursor.sized()) };
  },
};

/** A digest in the bank of its algorithm. */
export interface BankDigest {
  readonly algorithm: number;
  readonly digest: Uint8Array;
}

/** @ PCR. All digests in one command: no bank is extended without the others. */
export const PCR_EXTEND: Command<{ readonly digests: readonly BankDigest[] }, undefined> = {
  name: 'PCR_Extend',
  code: TPM_CC.PCR_Extend,
  handles: 1,
  auths: 1,
  write: (writer, { digests }) => {
    writer.u32(digests.length);
    for (const { algorithm, digest } of digests) writer.u16(algorithm).bytes(digest);
  },
  read: nothing,
};

/** @ PCR */
export const PCR_RESET: Command<undefined, undefined> = {
  name: 'PCR_Reset',
  code: TPM_CC.PCR_Reset,
  handles: 1,
  auths: 1,
  write: nothing,
  read: nothing,
};
