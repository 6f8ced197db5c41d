import { type PcrSelection, TPM_ALG, writePcrSelection } from '@mtm-attest/protocol';
import { type SESSION_TYPE, TPM_CC } from '../constants.ts';
import { type Command, EMPTY, nothing, readTicket, type Ticket, writeTicket } from './command.ts';

/** Sessions and what a policy demands. The policy session is the last handle of each. */

/** tpmKey, bind */
export const START_AUTH_SESSION: Command<
  {
    readonly nonce: Uint8Array;
    readonly salt: Uint8Array;
    readonly type: (typeof SESSION_TYPE)[keyof typeof SESSION_TYPE];
    /** AES-128-CFB for parameters, or none */
    readonly encrypts: boolean;
  },
  { readonly handle: number; readonly nonce: Uint8Array }
> = {
  name: 'StartAuthSession',
  code: TPM_CC.StartAuthSession,
  handles: 2,
  auths: 0,
  returnsHandle: true,
  write: (writer, { nonce, salt, type, encrypts }) => {
    writer.sized(nonce).sized(salt).u8(type);
    if (encrypts) writer.u16(TPM_ALG.AES).u16(128).u16(TPM_ALG.CFB);
    else writer.u16(TPM_ALG.NULL);
    writer.u16(TPM_ALG.SHA256);
  },
  read: (cursor, handle) => ({ handle, nonce: cursor.sized() }),
};

/** @ entity whose authorisation is demanded, session */
export const POLICY_SECRET: Command<undefined, undefined> = {
  name: 'PolicySecret',
  code: TPM_CC.PolicySecret,
  handles: 2,
  auths: 1,
  write: (writer) => writer.sized(EMPTY).sized(EMPTY).sized(EMPTY).u32(0),
  read: (cursor) => {
    cursor.sized();
    readTicket(cursor);
    return undefined;
  },
};

/** Session. Without a digest: the PCRs as they are. */
export const POLICY_PCR: Command<{ readonly digest?: Uint8Array; readonly selection: PcrSelection }, undefined> = {
  name: 'PolicyPCR',
  code: TPM_CC.PolicyPCR,
  handles: 1,
  auths: 0,
  write: (writer, { digest = EMPTY, selection }) => writer.sized(digest).bytes(writePcrSelection(selection)),
  read: nothing,
};

/** @ who may read the index, index, session. @param operation TPM_EO: how the index compares with the operand */
export const POLICY_NV: Command<
  { readonly operand: Uint8Array; readonly offset: number; readonly operation: number },
  undefined
> = {
  name: 'PolicyNV',
  code: TPM_CC.PolicyNV,
  handles: 3,
  auths: 1,
  write: (writer, { operand, offset, operation }) => writer.sized(operand).u16(offset).u16(operation),
  read: nothing,
};

/** Session. @param ticket of VerifySignature over the approved policy and policyRef */
export const POLICY_AUTHORIZE: Command<
  {
    readonly approved: Uint8Array;
    readonly policyRef: Uint8Array;
    readonly keyName: Uint8Array;
    readonly ticket: Ticket;
  },
  undefined
> = {
  name: 'PolicyAuthorize',
  code: TPM_CC.PolicyAuthorize,
  handles: 1,
  auths: 0,
  write: (writer, { approved, policyRef, keyName, ticket }) =>
    writeTicket(writer.sized(approved).sized(policyRef).sized(keyName), ticket),
  read: nothing,
};

/** Session */
export const POLICY_COMMAND_CODE: Command<{ readonly code: number }, undefined> = {
  name: 'PolicyCommandCode',
  code: TPM_CC.PolicyCommandCode,
  handles: 1,
  auths: 0,
  write: (writer, { code }) => writer.u32(code),
  read: nothing,
};

/** Session. @param branches two to eight policy digests */
export const POLICY_OR: Command<{ readonly branches: readonly Uint8Array[] }, undefined> = {
  name: 'PolicyOR',
  code: TPM_CC.PolicyOR,
  handles: 1,
  auths: 0,
  write: (writer, { branches }) => {
    writer.u32(branches.length);
    for (const branch of branches) writer.sized(branch);
  },
  read: nothing,
};

/** Session */
export const POLICY_GET_DIGEST: Command<undefined, Uint8Array> = {
  name: 'PolicyGetDigest',
  code: TPM_CC.PolicyGetDigest,
  handles: 1,
  auths: 0,
  write: nothing,
  read: (cursor) => cursor.sized(),
};
