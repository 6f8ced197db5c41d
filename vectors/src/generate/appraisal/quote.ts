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

export function quoteTests(): readonly DraftTest[] {
  const other = new SoftAk('appraisal, other');
  const good = evidenceOf(AT_THE_GATE);
  const [attest, signature] = [good['attest'] as Uint8Array, good['signature'] as Uint8Array];
  const [bank] = SELECTION;
  const reduced = evidenceOf({ ...AT_THE_GATE, asked: [{ bank: 'sha256', pcrs: bank?.pcrs.slice(1) ?? [] }] });
  const challengeDigest = sha256(good['challenge'] as Uint8Array);
  const quoted = (change: Partial<Scene>): Fields => {
    const made = evidenceOf({ ...AT_THE_GATE, signed: { challengeDigest }, ...change });
    return { attest: made['attest'], signature: made['signature'] };
  };
  const certify = writeAttest({
    ...parseAttest(attest),
    attested: { type: 'certify', name: AK.akName, qualifiedName: AK.qualifiedName },
  });
  const fewer = quoted({ asked: [{ bank: 'sha256', pcrs: bank?.pcrs.slice(1) ?? [] }] });
  const none = quoted({ asked: [] });
  const bad = (comment: string, flag: Flag, code: ReasonCode, fields: Fields): DraftTest =>
    gate(comment, flag, code, {}, fields);
  return [
    gate('by another key under its own Name', 'Signer', 'quote.signer', {
      key: other,
      qualifiedSigner: other.qualifiedName,
    }),
    gate('by another key under the enrolled Name', 'Signer', 'signature.invalid', {
      key: other,
      signed: { akName: AK.akName },
    }),
    bad('fewer PCRs than asked for', 'Quote', 'quote.selection', fewer),
    bad('no PCR', 'Quote', 'quote.selection', none),
    bad('evidence for a challenge over fewer PCRs', 'Quote', 'quote.selection', {
      attest: reduced['attest'],
      signature: reduced['signature'],
    }),
    bad('TPM2_Certify by the same key', 'Quote', 'quote.type', {
      attest: certify,
      signature: AK.attestSignature(certify),
    }),
    bad('another scheme named', 'Quote', 'signature.algorithm', { signature: bytes('0014 000b 0040', fill(64, 1)) }),
    bad('another hash named', 'Quote', 'signature.algorithm', { signature: overwritten(signature, 2, '000c') }),
    bad('resetCount raised after the quote', 'Quote', 'signature.invalid', {
      attest: overwritten(attest, 84, '00000009'),
    }),
    bad('random bytes as attestation', 'Malformed', 'evidence.malformed', { attest: sha256(utf8('random')) }),
    bad('a byte behind the attestation', 'Malformed', 'evidence.malformed', { attest: bytes(attest, '00') }),
    bad('the attestation cut', 'Malformed', 'evidence.malformed', { attest: attest.subarray(0, -1) }),
    bad('a byte behind the signature', 'Malformed', 'evidence.malformed', { signature: bytes(signature, '00') }),
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
