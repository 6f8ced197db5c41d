import type { Cursor } from '@mtm-attest/protocol';
import { TPM_CC } from '../constants.ts';
import { type Command, rest } from './command.ts';

/** What a TPM says of itself, signed. */
export interface Attestation {
  /** TPMS_ATTEST */
  readonly attest: Uint8Array;
  /** TPMT_SIGNATURE */
  readonly signature: Uint8Array;
}

const SCHEME_OF_THE_KEY = 0x0010;

function readAttestation(cursor: Cursor): Attestation {
  return { attest: cursor.sized(), signature: rest(cursor) };
}

/** @ signing key. @param selection TPML_PCR_SELECTION */
export const QUOTE: Command<{ readonly qualifyingData: Uint8Array; readonly selection: Uint8Array }, Attestation> = {
  name: 'Quote',
  code: TPM_CC.Quote,
  handles: 1,
  auths: 1,
  write: (writer, { qualifyingData, selection }) =>
    writer.sized(qualifyingData).u16(SCHEME_OF_THE_KEY).bytes(selection),
  read: readAttestation,
};

/** @ object that is certified, @ signing key */
export const CERTIFY: Command<{ readonly qualifyingData: Uint8Array }, Attestation> = {
  name: 'Certify',
  code: TPM_CC.Certify,
  handles: 2,
  auths: 2,
  write: (writer, { qualifyingData }) => writer.sized(qualifyingData).u16(SCHEME_OF_THE_KEY),
  read: readAttestation,
};

/** @ signing key, @ who may read the index, index */
export const NV_CERTIFY: Command<
  { readonly qualifyingData: Uint8Array; readonly size: number; readonly offset: number },
  Attestation
> = {
  name: 'NV_Certify',
  code: TPM_CC.NV_Certify,
  handles: 3,
  auths: 2,
  write: (writer, { qualifyingData, size, offset }) =>
    writer.sized(qualifyingData).u16(SCHEME_OF_THE_KEY).u16(size).u16(offset),
  read: readAttestation,
};
