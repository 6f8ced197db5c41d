import { parseAttest } from '@mtm-attest/protocol';
import { type Plain, toPlain } from '../../format/plain.ts';
import type { Note } from '../../format/vector-file.ts';
import { bytes, fill, flipped, overwritten } from '../bytes.ts';
import { type DraftGroup, type DraftTest, invalid, note } from '../draft.ts';
import { type EmulatorQuote, KNOWN_QUOTE } from '../emulator-quotes.ts';

export type Flag =
  | 'HighS'
  | 'Selection'
  | 'Nonce'
  | 'Signer'
  | 'PcrValues'
  | 'Type'
  | 'Magic'
  | 'Algorithm'
  | 'Forged'
  | 'TrailingBytes'
  | 'Truncated'
  | 'Range';

/** Why each quote is there. */
export const NOTES: Readonly<Record<Flag, Note>> = {
  HighS: note('INTEROPERABILITY', 'half of the quotes that TPMs make are refused', 'F-61'),
  Selection: note('DOWNGRADE', 'the quote covers fewer or other PCRs than were asked for', 'F-15', 'F-16'),
  Nonce: note('REPLAY', 'a recorded quote, or one made for something else, is taken', 'F-01', 'F-05'),
  Signer: note('IDENTITY', 'a quote by another key is taken', 'F-08'),
  PcrValues: note('VERIFICATION', 'PCR values pass that were not quoted', 'F-15'),
  Type: note('TYPE_CONFUSION', 'an attestation of another type is read as a quote', 'F-18'),
  Magic: note('ORIGIN', 'a structure that no TPM made', 'F-18'),
  Algorithm: note('ALGORITHM_CONFUSION', 'scheme or hash are taken from the signature', 'F-17'),
  Forged: note('VERIFICATION', 'bytes that the key did not sign', 'F-62'),
  TrailingBytes: note('EXACT_CONSUMPTION', 'two encodings of one quote', 'F-19'),
  Truncated: note('BOUNDS', 'a field is read past the end', 'F-19'),
  Range: note('RANGE', 'a scalar that no signature has', 'F-62'),
};

/** What a quote is held against, and the quote. */
export interface Question {
  readonly selection: Uint8Array;
  readonly qualifyingData: Uint8Array;
  readonly pcrDigest: Uint8Array;
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
}

export type Fields = Readonly<Record<string, unknown>>;

/** The fields of a valid quote. */
export function holds(question: Question): Fields {
  const { clockInfo, firmwareVersion } = parseAttest(question.attest);
  const value: Plain = toPlain({ clockInfo, firmwareVersion });
  return { ...question, value };
}

export function groupOf(
  origin: 'soft' | 'emulator',
  algorithm: string,
  { public: area, qualifiedName }: Pick<EmulatorQuote, 'public' | 'qualifiedName'>,
  tests: readonly DraftTest[],
): DraftGroup {
  return { type: 'Quote', fields: { origin, algorithm, public: area, qualifiedSigner: qualifiedName }, tests };
}

/** What can be made wrong without the key, by anybody who holds one good quote. */
export function withoutKey(good: Question, scheme: 'ecdsa' | 'rsa'): readonly DraftTest[] {
  return [...otherQuestions(good), ...forgeries(good), ...otherAlgorithms(good, scheme), ...otherBytes(good, scheme)];
}

/** The quote is as it was made; something else was asked for. */
function otherQuestions(good: Question): readonly DraftTest[] {
  const { selection, qualifyingData, pcrDigest } = good;
  const nonce = (comment: string, data: Uint8Array): DraftTest =>
    invalid(comment, 'Nonce', 'quote.nonce', { ...good, qualifyingData: data });
  const selected = (comment: string, asked: Uint8Array): DraftTest =>
    invalid(comment, 'Selection', 'quote.selection', { ...good, selection: asked });
  return [
    nonce('other qualifying data', fill(32, 0x5a)),
    nonce('no qualifying data', new Uint8Array()),
    nonce('a prefix of the qualifying data', qualifyingData.subarray(0, 20)),
    selected('one PCR more was asked for', overwritten(selection, 9, '08')),
    selected('a bank more was asked for', bytes('00000002', selection.subarray(4), '0004 03 010000')),
    selected('the SHA-1 bank was asked for', overwritten(selection, 4, '0004')),
    selected('the same PCRs in a longer bitmap', bytes(overwritten(selection, 6, '04'), '00')),
    invalid('other PCR values', 'PcrValues', 'pcr.digest', { ...good, pcrDigest: fill(pcrDigest.length, 0) }),
  ];
}

function forgeries(good: Question): readonly DraftTest[] {
  const { attest, signature } = good;
  const forged = (comment: string, change: Partial<Question>): DraftTest =>
    invalid(comment, 'Forged', 'signature.invalid', { ...good, ...change });
  return [
    forged('the firmware version changed', { attest: flipped(attest, 8 * 100) }),
    forged('resetCount set to zero', { attest: overwritten(attest, 84, '00000000') }),
    forged('the clock changed', { attest: flipped(attest, 8 * 83 + 7) }),
    forged('safe cleared or set', { attest: flipped(attest, 8 * 92 + 7) }),
    forged('the last bit of the signature flipped', { signature: flipped(signature, 8 * signature.length - 1) }),
  ];
}

function otherAlgorithms(good: Question, scheme: 'ecdsa' | 'rsa'): readonly DraftTest[] {
  const { attest, signature } = good;
  const named = (comment: string, change: Uint8Array): DraftTest =>
    invalid(comment, 'Algorithm', 'signature.algorithm', { ...good, signature: change }, 0);
  const otherHash = signature[3] === 0x0c ? '000b' : '000c';
  const otherScheme = scheme === 'ecdsa' ? bytes('0014 000b 0040', fill(64, 1)) : KNOWN_QUOTE.signature;
  const [magic, type] = [overwritten(attest, 0, '00000000'), overwritten(attest, 4, '8017')];
  return [
    named('another hash named', overwritten(signature, 2, otherHash)),
    named('another scheme named', otherScheme),
    named('HMAC', bytes('0005 000b', fill(32, 1))),
    invalid('another magic', 'Magic', 'quote.magic', { ...good, attest: magic }, 0),
    invalid('type CERTIFY over the bytes of a quote', 'Type', 'quote.type', { ...good, attest: type }, 4),
  ];
}

function otherBytes(good: Question, scheme: 'ecdsa' | 'rsa'): readonly DraftTest[] {
  const { attest, signature, pcrDigest } = good;
  const lastScalar = scheme === 'ecdsa' ? 40 : 6;
  const trailing = (comment: string, change: Partial<Question>, at: number): DraftTest =>
    invalid(comment, 'TrailingBytes', 'tpm.trailing-bytes', { ...good, ...change }, at);
  const cut = (comment: string, change: Partial<Question>, at: number): DraftTest =>
    invalid(comment, 'Truncated', 'tpm.truncated', { ...good, ...change }, at);
  return [
    trailing('a byte behind the attestation', { attest: bytes(attest, '00') }, attest.length),
    trailing('a byte behind the signature', { signature: bytes(signature, '00') }, signature.length),
    cut('the attestation cut', { attest: attest.subarray(0, -1) }, attest.length - pcrDigest.length),
    cut('the signature cut', { signature: signature.subarray(0, -1) }, lastScalar),
    cut('nothing in place of the attestation', { attest: new Uint8Array() }, 0),
  ];
}

/** The lengths before r and s stay; a scalar that no signature has stands in their place. */
export function scalarsOutOfRange(good: Question): readonly DraftTest[] {
  const scalar = (comment: string, at: number, value: number): DraftTest => {
    const signature = overwritten(good.signature, at, fill(32, value));
    return value === 0
      ? invalid(comment, 'Range', 'tpm.value', { ...good, signature }, at - 2)
      : invalid(comment, 'Range', 'signature.invalid', { ...good, signature });
  };
  return [
    scalar('r is zero', 6, 0),
    scalar('s is zero', 40, 0),
    scalar('r above the order', 6, 0xff),
    scalar('s above the order', 40, 0xff),
  ];
}
