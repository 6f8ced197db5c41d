import { type NvPublic, parseNvPublic, writeNvPublic } from '@mtm-attest/protocol';
import { TPM_CC } from '../constants.ts';
import { type Command, nothing } from './command.ts';

/** NV indices. Where an index is read or written, the first handle says who may: the index itself, or its owner. */

/** @ owner or platform */
export const NV_DEFINE_SPACE: Command<{ readonly auth: Uint8Array; readonly area: NvPublic }, undefined> = {
  name: 'NV_DefineSpace',
  code: TPM_CC.NV_DefineSpace,
  handles: 1,
  auths: 1,
  write: (writer, { auth, area }) => writer.sized(auth).sized(writeNvPublic(area)),
  read: nothing,
};

/** @ owner or platform, index */
export const NV_UNDEFINE_SPACE: Command<undefined, undefined> = {
  name: 'NV_UndefineSpace',
  code: TPM_CC.NV_UndefineSpace,
  handles: 2,
  auths: 1,
  write: nothing,
  read: nothing,
};

/** Index */
export const NV_READ_PUBLIC: Command<undefined, { readonly area: NvPublic; readonly name: Uint8Array }> = {
  name: 'NV_ReadPublic',
  code: TPM_CC.NV_ReadPublic,
  handles: 1,
  auths: 0,
  write: nothing,
  read: (cursor) => ({ area: parseNvPublic(cursor.sized()), name: cursor.sized() }),
};

/** @ who may, index */
export const NV_READ: Command<{ readonly size: number; readonly offset: number }, Uint8Array> = {
  name: 'NV_Read',
  code: TPM_CC.NV_Read,
  handles: 2,
  auths: 1,
  write: (writer, { size, offset }) => writer.u16(size).u16(offset),
  read: (cursor) => cursor.sized(),
};

/** @ who may, index */
export const NV_WRITE: Command<{ readonly data: Uint8Array; readonly offset: number }, undefined> = {
  name: 'NV_Write',
  code: TPM_CC.NV_Write,
  handles: 2,
  auths: 1,
  write: (writer, { data, offset }) => writer.sized(data).u16(offset),
  read: nothing,
};

/** @ who may, index */
export const NV_INCREMENT: Command<undefined, undefined> = {
  name: 'NV_Increment',
  code: TPM_CC.NV_Increment,
  handles: 2,
  auths: 1,
  write: nothing,
  read: nothing,
};

/** @ who may, index */
export const NV_EXTEND: Command<{ readonly data: Uint8Array }, undefined> = {
  name: 'NV_Extend',
  code: TPM_CC.NV_Extend,
  handles: 2,
  auths: 1,
  write: (writer, { data }) => writer.sized(data),
  read: nothing,
};
