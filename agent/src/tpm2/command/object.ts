import { type Cursor, TPM_RH, Writer } from '@mtm-attest/protocol';
import { TICKET, TPM_CC } from '../constants.ts';
import { type Command, EMPTY, nothing, readTicket, rest, type Ticket, writeTicket } from './command.ts';

/** Objects: made, loaded, used, flushed. Public areas are the bytes of TPMT_PUBLIC. */

export interface Template {
  /** password of the new object */
  readonly auth?: Uint8Array;
  /** what is sealed */
  readonly data?: Uint8Array;
  /** TPMT_PUBLIC */
  readonly area: Uint8Array;
}

function writeTemplate(writer: Writer, { auth = EMPTY, data = EMPTY, area }: Template): unknown {
  const sensitive = new Writer(160).sized(auth).sized(data).done();
  return writer.sized(sensitive).sized(area).sized(EMPTY).u32(0);
}

/** An object in the TPM, as far as its Name says who it is: check it against `area`. */
export interface Made {
  readonly handle: number;
  readonly area: Uint8Array;
  readonly name: Uint8Array;
}

/** Creation data, its hash and its ticket: nobody here needs them. */
function skipCreation(cursor: Cursor): void {
  cursor.sized();
  cursor.sized();
  readTicket(cursor);
}

/** @ hierarchy */
export const CREATE_PRIMARY: Command<Template, Made> = {
  name: 'CreatePrimary',
  code: TPM_CC.CreatePrimary,
  handles: 1,
  auths: 1,
  slow: true,
  returnsHandle: true,
  write: writeTemplate,
  read: (cursor, handle) => {
    const area = cursor.sized();
    skipCreation(cursor);
    return { handle, area, name: cursor.sized() };
  },
};

/** What only this TPM can load, under the same parent. */
export interface Blob {
  /** content of TPM2B_PRIVATE, encrypted by the TPM */
  readonly wrapped: Uint8Array;
  /** TPMT_PUBLIC */
  readonly area: Uint8Array;
}

/** @ parent */
export const CREATE: Command<Template, Blob> = {
  name: 'Create',
  code: TPM_CC.Create,
  handles: 1,
  auths: 1,
  slow: true,
  write: writeTemplate,
  read: (cursor) => {
    const blob = { wrapped: cursor.sized(), area: cursor.sized() };
    skipCreation(cursor);
    return blob;
  },
};

/** @ parent */
export const LOAD: Command<Blob, { readonly handle: number; readonly name: Uint8Array }> = {
  name: 'Load',
  code: TPM_CC.Load,
  handles: 1,
  auths: 1,
  returnsHandle: true,
  write: (writer, { wrapped, area }) => writer.sized(wrapped).sized(area),
  read: (cursor, handle) => ({ handle, name: cursor.sized() }),
};

/** A public key from outside. */
export const LOAD_EXTERNAL: Command<
  { readonly area: Uint8Array; readonly hierarchy?: number },
  { readonly handle: number; readonly name: Uint8Array }
> = {
  name: 'LoadExternal',
  code: TPM_CC.LoadExternal,
  handles: 0,
  auths: 0,
  returnsHandle: true,
  write: (writer, { area, hierarchy = TPM_RH.OWNER }) => writer.sized(EMPTY).sized(area).u32(hierarchy),
  read: (cursor, handle) => ({ handle, name: cursor.sized() }),
};

export const READ_PUBLIC: Command<
  undefined,
  { readonly area: Uint8Array; readonly name: Uint8Array; readonly qualifiedName: Uint8Array }
> = {
  name: 'ReadPublic',
  code: TPM_CC.ReadPublic,
  handles: 1,
  auths: 0,
  write: nothing,
  read: (cursor) => ({ area: cursor.sized(), name: cursor.sized(), qualifiedName: cursor.sized() }),
};

/** The handle is a parameter here. */
export const FLUSH_CONTEXT: Command<{ readonly handle: number }, undefined> = {
  name: 'FlushContext',
  code: TPM_CC.FlushContext,
  handles: 0,
  auths: 0,
  write: (writer, { handle }) => writer.u32(handle),
  read: nothing,
};

/** @ hierarchy, object */
export const EVICT_CONTROL: Command<{ readonly persistent: number }, undefined> = {
  name: 'EvictControl',
  code: TPM_CC.EvictControl,
  handles: 2,
  auths: 1,
  write: (writer, { persistent }) => writer.u32(persistent),
  read: nothing,
};

/** @ sealed object. What it returns is secret: encrypt the response. */
export const UNSEAL: Command<undefined, Uint8Array> = {
  name: 'Unseal',
  code: TPM_CC.Unseal,
  handles: 1,
  auths: 1,
  write: nothing,
  read: (cursor) => cursor.sized(),
};

/** @ AK, @ EK. What it returns is secret: encrypt the response. */
export const ACTIVATE_CREDENTIAL: Command<{ readonly idObject: Uint8Array; readonly secret: Uint8Array }, Uint8Array> =
  {
    name: 'ActivateCredential',
    code: TPM_CC.ActivateCredential,
    handles: 2,
    auths: 2,
    write: (writer, { idObject, secret }) => writer.sized(idObject).sized(secret),
    read: (cursor) => cursor.sized(),
  };

/** EK; anybody can. */
export const MAKE_CREDENTIAL: Command<
  { readonly credential: Uint8Array; readonly objectName: Uint8Array },
  { readonly idObject: Uint8Array; readonly secret: Uint8Array }
> = {
  name: 'MakeCredential',
  code: TPM_CC.MakeCredential,
  handles: 1,
  auths: 0,
  write: (writer, { credential, objectName }) => writer.sized(credential).sized(objectName),
  read: (cursor) => ({ idObject: cursor.sized(), secret: cursor.sized() }),
};

const NOT_HASHED_HERE: Ticket = { tag: TICKET.HASHCHECK, hierarchy: TPM_RH.NULL, digest: EMPTY };
const SCHEME_OF_THE_KEY = 0x0010;

/** @ key that is not restricted. Returns TPMT_SIGNATURE. */
export const SIGN: Command<{ readonly digest: Uint8Array }, Uint8Array> = {
  name: 'Sign',
  code: TPM_CC.Sign,
  handles: 1,
  auths: 1,
  write: (writer, { digest }) => writeTicket(writer.sized(digest).u16(SCHEME_OF_THE_KEY), NOT_HASHED_HERE),
  read: rest,
};

/** Key. @param signature TPMT_SIGNATURE */
export const VERIFY_SIGNATURE: Command<{ readonly digest: Uint8Array; readonly signature: Uint8Array }, Ticket> = {
  name: 'VerifySignature',
  code: TPM_CC.VerifySignature,
  handles: 1,
  auths: 0,
  write: (writer, { digest, signature }) => writer.sized(digest).bytes(signature),
  read: readTicket,
};
