import { expect } from 'chai';
import type { ProtocolCode } from '../../src/error.ts';
import { attestationKey } from '../../src/quote/attestation-key.ts';
import { type QuoteQuestion, verifyQuote } from '../../src/quote/verify.ts';
import { parseAttest, writeAttest } from '../../src/tpm/attest.ts';
import { parsePublic } from '../../src/tpm/public.ts';
import { parseSignature, type TpmSignature, writeSignature } from '../../src/tpm/signature.ts';
import { bigEndian, integerOf, P256, P256_ORDER, SUITES } from '../crypto/suites.ts';
import { flipped, followedBy } from '../mutation.ts';
import { expectRefusal, refusalOf } from '../refusal.ts';
import { EMULATOR_QUOTE } from './emulator-quote.ts';

const MATERIAL = attestationKey(parsePublic(EMULATOR_QUOTE.akPublic));
const { attest, signature, qualifiedName: qualifiedSigner, selection, qualifyingData, pcrDigest } = EMULATOR_QUOTE;

/** The order in which the checks come. */
const IN_ORDER: readonly (readonly [ProtocolCode, Partial<QuoteQuestion>])[] = [
  ['quote.magic', { attest: flipped(attest, 0) }],
  ['quote.type', { attest: flipped(attest, 40) }],
  ['tpm.trailing-bytes', { attest: followedBy(attest, 0) }],
  ['signature.algorithm', { signature: writeSignature({ ...parseSignature(signature), hash: 'sha384' }) }],
  ['quote.signer', { qualifiedSigner: flipped(qualifiedSigner, 100) }],
  ['quote.selection', { selection: flipped(selection, 60) }],
  ['quote.nonce', { qualifyingData: flipped(qualifyingData, 255) }],
  ['pcr.digest', { pcrDigest: flipped(pcrDigest, 255) }],
  ['signature.invalid', { signature: flipped(signature, 8 * signature.length - 1) }],
];

for (const suite of SUITES) {
  describe(`a quote, verified with ${suite.name}`, () => {
    const key = suite.importKey(MATERIAL);
    const asked: QuoteQuestion = { attest, signature, key, qualifiedSigner, selection, qualifyingData, pcrDigest };

    it('gives what it says, once every demand holds', () => {
      const quote = verifyQuote(asked);
      expect(quote.clockInfo).to.deep.equal({ clock: 0x38n, resetCount: 1, restartCount: 0, safe: true });
      expect(quote.firmwareVersion).to.equal(0x2019102300163636n);
      expect(quote.qualifiedSigner).to.deep.equal(qualifiedSigner);
      expect(quote.extraData).to.deep.equal(qualifyingData);
      expect(quote.selection).to.deep.equal(selection);
      expect(quote.pcrDigest).to.deep.equal(pcrDigest);
      expect(verifyQuote({ attest, signature, key }).pcrDigest).to.deep.equal(pcrDigest);
    });

    it('is held against every demand by its own code', () => {
      for (const [code, change] of IN_ORDER) expectRefusal(() => verifyQuote({ ...asked, ...change }), code);
    });

    it('fails on the first of several faults, the signature last', () => {
      const attestFaults = 3;
      for (const [i, [code, first]] of IN_ORDER.entries()) {
        const later = IN_ORDER.slice(Math.max(i, attestFaults)).map(([, change]) => change);
        const question = Object.assign({}, ...later.toReversed(), first) as Partial<QuoteQuestion>;
        expectRefusal(() => verifyQuote({ ...asked, ...question }), code);
      }
    });

    it('is refused with other lengths of what is demanded: a prefix is not equal (F-01, F-15)', () => {
      expectRefusal(() => verifyQuote({ ...asked, qualifyingData: qualifyingData.subarray(0, 31) }), 'quote.nonce');
      expectRefusal(() => verifyQuote({ ...asked, qualifyingData: new Uint8Array() }), 'quote.nonce');
      expectRefusal(() => verifyQuote({ ...asked, qualifyingData: followedBy(qualifyingData, 0) }), 'quote.nonce');
      expectRefusal(() => verifyQuote({ ...asked, selection: new Uint8Array() }), 'quote.selection');
      expectRefusal(() => verifyQuote({ ...asked, qualifiedSigner: new Uint8Array() }), 'quote.signer');
    });

    it('is refused by another key, whatever it says about its signer (F-08)', () => {
      expectRefusal(() => verifyQuote({ ...asked, key: suite.importKey(P256.material) }), 'signature.invalid');
    });

    it('is refused over fewer PCRs than asked for, or none, though its signature holds (F-15)', () => {
      for (const bits of ['00000000', '00000001000b03030000', '00000002000b03030400000b03000000']) {
        const weaker = signedBy(bits);
        expect(verifyQuote({ ...weaker, key: suite.importKey(P256.material) }).selection).to.have.length(
          bits.length / 2,
        );
        const question = { ...weaker, key: suite.importKey(P256.material), selection };
        expectRefusal(() => verifyQuote(question), 'quote.selection');
      }
    });

    it('is refused with the scheme of another key type, whatever the key is (F-17, F-68)', () => {
      for (const scheme of ['rsassa', 'rsapss'] as const) {
        const other: TpmSignature = { scheme, hash: 'sha256', signature: new Uint8Array(256).fill(1) };
        expectRefusal(() => verifyQuote({ ...asked, signature: writeSignature(other) }), 'signature.algorithm');
      }
      const ed25519 = suite.importKey({ algorithm: 'ed25519', key: new Uint8Array(32).fill(3) });
      expectRefusal(() => verifyQuote({ ...asked, key: ed25519 }), 'signature.algorithm');
    });

    it('is taken with a high s as with a low one (F-61)', () => {
      const made = signedBy('00000001000b03030400');
      const low = parseSignature(made.signature);
      const other = { ...made, signature: writeSignature({ ...low, signature: withOtherS(low.signature) }) };
      for (const one of [made, other]) {
        expect(verifyQuote({ ...one, key: suite.importKey(P256.material) }).clockInfo.resetCount).to.equal(1);
      }
    });

    it('is refused cut anywhere (F-19)', () => {
      for (let length = 0; length < attest.length; length++) {
        const { code } = refusalOf(() => verifyQuote({ ...asked, attest: attest.subarray(0, length) }));
        expect(code, `attest cut to ${length}`).to.equal('tpm.truncated');
      }
      for (let length = 0; length < signature.length; length++) {
        const { code } = refusalOf(() => verifyQuote({ ...asked, signature: signature.subarray(0, length) }));
        expect(code, `signature cut to ${length}`).to.equal('tpm.truncated');
      }
    });

    it('is refused with any one bit flipped in message or signature, though nothing but the key is demanded', () => {
      const step = suite.name === 'node' ? 1 : 7;
      for (let bit = 0; bit < 8 * attest.length; bit += step) {
        refusalOf(() => verifyQuote({ attest: flipped(attest, bit), signature, key }));
      }
      for (let bit = 0; bit < 8 * signature.length; bit += step) {
        refusalOf(() => verifyQuote({ attest, signature: flipped(signature, bit), key }));
      }
    });
  });
}

/** The emulator's quote with another selection, signed by a key of ours. */
function signedBy(selectionHex: string): { readonly attest: Uint8Array; readonly signature: Uint8Array } {
  const parsed = parseAttest(attest);
  if (parsed.attested.type !== 'quote') return expect.fail('not a quote');
  const selectionBytes = new Uint8Array(Buffer.from(selectionHex, 'hex'));
  const bytes = writeAttest({ ...parsed, attested: { ...parsed.attested, selectionBytes } });
  return { attest: bytes, signature: writeSignature({ scheme: 'ecdsa', hash: 'sha256', signature: P256.sign(bytes) }) };
}

/** r and n - s: the other signature of the same message. */
function withOtherS(signature: Uint8Array): Uint8Array {
  const s = P256_ORDER - integerOf(signature.subarray(32));
  return Uint8Array.from([...signature.subarray(0, 32), ...bigEndian(s)]);
}
