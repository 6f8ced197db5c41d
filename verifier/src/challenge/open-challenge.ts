import {
  challengeId,
  encodeMessage,
  type LogCursor,
  type Message,
  type PcrSelection,
  type Purpose,
  writePcrSelection,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import type { ChallengeFacts } from '../appraisal/input.ts';

/** A challenge that waits for its evidence. It lives in the memory of the connection that sent it and dies with it (F-02). */
export interface OpenChallenge extends ChallengeFacts {
  readonly bytes: Uint8Array;
  /** first 8 bytes of the digest: how evidence names it */
  readonly id: Uint8Array;
  /** true where the whole log is asked for */
  readonly wholeLog: boolean;
  /** monotonic milliseconds; evidence that arrives later is late */
  readonly expiresAt: number;
  /** wall clock, milliseconds since 1970 */
  readonly challengedAt: number;
}

/** The PCR selection of every challenge of a verifier, encoded once. */
export interface SelectionAsked {
  readonly bytes: Uint8Array;
  readonly pcrs: readonly number[];
}

/** @throws RangeError where the selection is not of the SHA-256 bank alone, which configuration has refused before */
export function selectionAsked(selection: PcrSelection): SelectionAsked {
  const [only, ...others] = selection;
  if (only === undefined || others.length > 0) throw new RangeError('one bank');
  return { bytes: writePcrSelection(selection), pcrs: only.pcrs };
}

export interface ChallengeWish {
  readonly purpose: Extract<Purpose, 'enrol' | 'gate' | 'runtime'>;
  /** 32 fresh random bytes */
  readonly nonce: Uint8Array;
  readonly selection: SelectionAsked;
  readonly cursor: LogCursor | undefined;
  /** first 16 bytes of the digest of a list that need not be sent */
  readonly knownList: Uint8Array | undefined;
  /** whether the firmware log is wanted */
  readonly firmware?: boolean;
  /** from which entry on the IMA list is wanted */
  readonly ima?: number | undefined;
  /** for the enrolment of a TPM */
  readonly activation?: Pick<Message<'challenge'>, 'credential' | 'encryptedSecret'> | undefined;
  readonly expiresAt: number;
  readonly challengedAt: number;
}

export function openChallenge(wish: ChallengeWish): OpenChallenge {
  const bytes = encodeMessage({
    type: 'challenge',
    nonce: wish.nonce,
    purpose: wish.purpose,
    selection: wish.selection.bytes,
    ...(wish.cursor === undefined ? {} : { cursor: wish.cursor }),
    ...(wish.knownList === undefined ? {} : { knownList: wish.knownList }),
    ...(wish.firmware === true ? { firmware: true } : {}),
    ...(wish.ima === undefined ? {} : { ima: wish.ima }),
    ...wish.activation,
  });
  const digest = nodeCrypto.sha256(bytes);
  return {
    bytes,
    digest,
    id: challengeId(digest),
    nonce: wish.nonce,
    purpose: wish.purpose,
    selection: wish.selection.bytes,
    selectedPcrs: wish.selection.pcrs,
    firmware: wish.firmware === true,
    ima: wish.ima,
    wholeLog: wish.cursor === undefined || wish.cursor.count === 0,
    expiresAt: wish.expiresAt,
    challengedAt: wish.challengedAt,
  };
}
