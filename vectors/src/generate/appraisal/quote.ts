import { encodeClaims, parseAttest, type ReasonCode, utf8, writeAttest } from '@mtm-attest/protocol';
import { bytes, fill, overwritten } from '../bytes.ts';
import type { DraftTest } from '../draft.ts';
import { SoftAk, sha256 } from '../keys.ts';
import type { Flag } from './notes.ts';
import { AK, AT_THE_GATE, evidenceOf, type Scene, SELECTION, sliceOf } from './scene.ts';
import { type Fields, gate, RUNTIME, untrusted } from './verdicts.ts';

export function contextTests(): readonly DraftTest[] {
  const other = { type: 'tls-exporter', value: fill(32, 0xbb) } as const;
  const mismatch = (comment: string, signed: Scene['signed']): DraftTest =>
    gate(comment, 'Context', 'context.mismatch', { signed });
  const altered = encodeClaims({ auditCounter: 43n });
  return [
    mismatch('another challenge', { challengeDigest: sha256(utf8('another challenge')) }),
    mismatch('made for a runtime audit', { purpose: 'runtime' }),
    mismatch('made for inspection', { purpose: 'inspect' }),
    mismatch('another connection', { binding: other }),
    mismatch('no binding', { binding: { type: 'none', value: new Uint8Array() } }),
    mismatch('another verifier', { audience: 'operator-2' }),
    mismatch('another terminal', { terminal: 'terminal-2' }),
    mismatch('another compartment', { compartment: 'operator-1' }),
    mismatch('another owner', { ownershipEpoch: 1n }),
    mismatch('a key bound that nobody asked for', { keyToBind: AK.spki }),
    gate('claims changed after the quote', 'Context', 'context.mismatch', {}, { claims: altered }),
    untrusted('evidence of the gate at runtime', 'Context', 'context.mismatch', RUNTIME, {
      attest: evidenceOf(AT_THE_GATE)['attest'],
      signature: evidenceOf(AT_THE_GATE)['signature'],
    }),
  ];
}

const GOOD = evidenceOf(AT_THE_GATE);
const ATTEST = GOOD['attest'] as Uint8Array;
const SIGNATURE = GOOD['signature'] as Uint8Array;

/** Everything of the evidence is as it was made, but for these fields. */
function bad(comment: string, flag: Flag, code: ReasonCode, fields: Fields): DraftTest {
  return gate(comment, flag, code, {}, fields);
}

/** Quotes by another key, over something else, or of another kind; then bytes that are no evidence. */
export function quoteTests(): readonly DraftTest[] {
  const [bank] = SELECTION;
  const asked = [{ bank: 'sha256', pcrs: bank?.pcrs.slice(1) ?? [] }] as const;
  const other = new SoftAk('appraisal, other');
  const certify = writeAttest({
    ...parseAttest(ATTEST),
    attested: { type: 'certify', name: AK.akName, qualifiedName: AK.qualifiedName },
  });
  return [
    gate('by another key under its own Name', 'Signer', 'quote.signer', {
      key: other,
      qualifiedSigner: other.qualifiedName,
    }),
    gate('by another key under the enrolled Name', 'Signer', 'signature.invalid', {
      key: other,
      signed: { akName: AK.akName },
    }),
    bad('fewer PCRs than asked for', 'Quote', 'quote.selection', quoteOf({ asked }, true)),
    bad('no PCR', 'Quote', 'quote.selection', quoteOf({ asked: [] }, true)),
    bad('evidence for a challenge over fewer PCRs', 'Quote', 'quote.selection', quoteOf({ asked }, false)),
    bad('TPM2_Certify by the same key', 'Quote', 'quote.type', {
      attest: certify,
      signature: AK.attestSignature(certify),
    }),
    bad('another scheme named', 'Quote', 'signature.algorithm', { signature: bytes('0014 000b 0040', fill(64, 1)) }),
    bad('another hash named', 'Quote', 'signature.algorithm', { signature: overwritten(SIGNATURE, 2, '000c') }),
    bad('resetCount raised after the quote', 'Quote', 'signature.invalid', {
      attest: overwritten(ATTEST, 84, '00000009'),
    }),
    ...malformedTests(),
  ];
}

/** @param answers whether it is made for the challenge of the honest evidence, or for one of its own */
function quoteOf(change: Partial<Scene>, answers: boolean): Fields {
  const signed = answers ? { challengeDigest: sha256(GOOD['challenge'] as Uint8Array) } : {};
  const { attest, signature } = evidenceOf({ ...AT_THE_GATE, signed, ...change });
  return { attest, signature };
}

function malformedTests(): readonly DraftTest[] {
  return [
    bad('random bytes as attestation', 'Malformed', 'evidence.malformed', { attest: sha256(utf8('random')) }),
    bad('a byte behind the attestation', 'Malformed', 'evidence.malformed', { attest: bytes(ATTEST, '00') }),
    bad('the attestation cut', 'Malformed', 'evidence.malformed', { attest: ATTEST.subarray(0, -1) }),
    bad('a byte behind the signature', 'Malformed', 'evidence.malformed', { signature: bytes(SIGNATURE, '00') }),
    gate('claims that are no map, quoted', 'Malformed', 'evidence.malformed', { claims: bytes('01') }),
    gate('claims without counter, quoted', 'Malformed', 'evidence.malformed', { claims: bytes('80') }),
    gate('claims with a byte behind them, quoted', 'Malformed', 'evidence.malformed', {
      claims: bytes('81 a161 182a 00'),
    }),
    bad('a log that is no record', 'Malformed', 'evidence.malformed', { slices: [bytes('c0')] }),
    bad('the last record cut', 'Malformed', 'evidence.malformed', {
      slices: [sliceOf(AT_THE_GATE.extended).subarray(0, -1)],
    }),
  ];
}
