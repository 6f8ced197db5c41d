import type { Cursor, Writer } from '@mtm-attest/protocol';
import { CAPABILITY, TPM_CC } from '../constants.ts';
import { type Command, nothing } from './command.ts';

/** Start-up, capabilities, randomness, clock and hierarchies. */

export const STARTUP_COMMAND: Command<{ readonly type: number }, undefined> = {
  name: 'Startup',
  code: TPM_CC.Startup,
  handles: 0,
  auths: 0,
  write: (writer, { type }) => writer.u16(type),
  read: nothing,
};

export const SHUTDOWN: Command<{ readonly type: number }, undefined> = {
  name: 'Shutdown',
  code: TPM_CC.Shutdown,
  handles: 0,
  auths: 0,
  write: (writer, { type }) => writer.u16(type),
  read: nothing,
};

export const SELF_TEST: Command<{ readonly full: boolean }, undefined> = {
  name: 'SelfTest',
  code: TPM_CC.SelfTest,
  handles: 0,
  auths: 0,
  slow: true,
  write: (writer, { full }) => writer.u8(full ? 1 : 0),
  read: nothing,
};

export const GET_RANDOM: Command<{ readonly length: number }, Uint8Array> = {
  name: 'GetRandom',
  code: TPM_CC.GetRandom,
  handles: 0,
  auths: 0,
  write: (writer, { length }) => writer.u16(length),
  read: (cursor) => cursor.sized(),
};

/** One page of a list, and whether there are more. */
export interface Page<T> {
  readonly more: boolean;
  readonly items: readonly T[];
}

interface Asked {
  /** first property or handle */
  readonly from: number;
  readonly count: number;
}

function capability<T>(kind: number, item: (cursor: Cursor) => T): Command<Asked, Page<T>> {
  return {
    name: 'GetCapability',
    code: TPM_CC.GetCapability,
    handles: 0,
    auths: 0,
    write: (writer: Writer, { from, count }) => writer.u32(kind).u32(from).u32(count),
    read: (cursor) => {
      const more = cursor.u8() !== 0;
      const answered = cursor.u32();
      const items: T[] = [];
      // An answer of another kind than asked for is read as nothing, and refused for what it leaves over.
      for (let left = answered === kind ? cursor.u32() : 0; left > 0; left--) items.push(item(cursor));
      return { more, items };
    },
  };
}

export const GET_HANDLES: Command<Asked, Page<number>> = capability(CAPABILITY.HANDLES, (cursor) => cursor.u32());

export const GET_PROPERTIES: Command<Asked, Page<readonly [property: number, value: number]>> = capability(
  CAPABILITY.TPM_PROPERTIES,
  (cursor) => [cursor.u32(), cursor.u32()],
);

/** A bank by its algorithm, known here or not, and which of its PCRs are allocated. */
export interface AllocatedBank {
  readonly algorithm: number;
  readonly bitmap: Uint8Array;
}

export const GET_PCRS: Command<Asked, Page<AllocatedBank>> = capability(CAPABILITY.PCRS, (cursor) => ({
  algorithm: cursor.u16(),
  bitmap: cursor.bytes(cursor.u8()),
}));

/** TPMS_TIME_INFO. */
export interface TimeInfo {
  readonly time: bigint;
  readonly clock: bigint;
  readonly resetCount: number;
  readonly restartCount: number;
  readonly safe: boolean;
}

export const READ_CLOCK: Command<undefined, TimeInfo> = {
  name: 'ReadClock',
  code: TPM_CC.ReadClock,
  handles: 0,
  auths: 0,
  write: nothing,
  read: (cursor) => ({
    time: cursor.u64(),
    clock: cursor.u64(),
    resetCount: cursor.u32(),
    restartCount: cursor.u32(),
    safe: cursor.u8() === 1,
  }),
};

/** @ lockout or platform: every object of the owner and the endorsement hierarchy goes, the endorsement seed stays. */
export const CLEAR: Command<undefined, undefined> = {
  name: 'Clear',
  code: TPM_CC.Clear,
  handles: 1,
  auths: 1,
  slow: true,
  write: nothing,
  read: nothing,
};

/** @ hierarchy. The new password is the first parameter: encrypt it. */
export const HIERARCHY_CHANGE_AUTH: Command<{ readonly auth: Uint8Array }, undefined> = {
  name: 'HierarchyChangeAuth',
  code: TPM_CC.HierarchyChangeAuth,
  handles: 1,
  auths: 1,
  write: (writer, { auth }) => writer.sized(auth),
  read: nothing,
};
