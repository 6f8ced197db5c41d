import { expect } from 'chai';
import fc from 'fast-check';
import { fromHex, toHex } from '../../src/bytes/text.ts';
import { type AttestType, parseAttest, writeAttest } from '../../src/tpm/attest.ts';
import { flipped, followedBy } from '../mutation.ts';
import { EMULATOR_QUOTE } from '../quote/emulator-quote.ts';
import { expectRefusal, refusalOf, unlessRefused } from '../refusal.ts';

const SEED = 20_801;

/** Part 2, 10.12.8: magic, type, qualifiedSigner, extraData, clockInfo, firmwareVersion, then the body. */
const HEADER = ['0003aabbcc', '0002beef', '0000000000000102', '00000003', '00000004', '01', '0123456789abcdef'];
const SAFE_AT = 6 + 5 + 4 + 8 + 4 + 4;

function structure(tag: string, ...body: readonly string[]): Uint8Array {
  return fromHex(['ff544347', tag, ...HEADER, ...body].join(''));
}

/** One of every type, written out as the standard lays it out. */
const SAMPLES: Readonly<Record<AttestType, Uint8Array>> = {
  nv: structure('8014', '0002000b', '0008', '00040badf00d'),
  'command-audit': structure('8015', '0000000000000007', '000b', '000211220001', '33'),
  'session-audit': structure('8016', '01', '0003445566'),
  certify: structure('8017', '0003000b01', '0004000b0203'),
  quote: structure('8018', '00000001000b03030400', '0002cafe'),
  time: structure('8019', '0000000000000009', '000000000000000a', '0000000b', '0000000c', '00', '000000000000000d'),
  creation: structure('801a', '0003000b05', '000106'),
  'nv-digest': structure('801c', '0003000b07', '00020809'),
};

const ALL = Object.entries(SAMPLES);

describe('TPMS_ATTEST', () => {
  it('reads every field of a quote made by a TPM emulator', () => {
    const { attested, ...attest } = parseAttest(EMULATOR_QUOTE.attest);
    expect(attest.qualifiedSigner).to.deep.equal(EMULATOR_QUOTE.qualifiedName);
    expect(attest.extraData).to.deep.equal(EMULATOR_QUOTE.qualifyingData);
    expect(attest.clockInfo).to.deep.equal({ clock: 0x38n, resetCount: 1, restartCount: 0, safe: true });
    expect(attest.firmwareVersion).to.equal(0x2019102300163636n);
    expect(attested).to.deep.equal({
      type: 'quote',
      selection: [{ bank: 'sha256', pcrs: [0, 1, 10] }],
      selectionBytes: EMULATOR_QUOTE.selection,
      pcrDigest: EMULATOR_QUOTE.pcrDigest,
    });
  });

  it('reads the bodies of the other types', () => {
    const bodies = Object.fromEntries(ALL.map(([type, bytes]) => [type, parseAttest(bytes).attested]));
    expect(bodies['nv']).to.deep.equal({
      type: 'nv',
      indexName: fromHex('000b'),
      offset: 8,
      contents: fromHex('0badf00d'),
    });
    expect(bodies['command-audit']).to.deep.equal({
      type: 'command-audit',
      counter: 7n,
      digestAlg: 0x000b,
      auditDigest: fromHex('1122'),
      commandDigest: fromHex('33'),
    });
    expect(bodies['session-audit']).to.deep.equal({
      type: 'session-audit',
      exclusive: true,
      digest: fromHex('445566'),
    });
    expect(bodies['certify']).to.deep.equal({
      type: 'certify',
      name: fromHex('000b01'),
      qualifiedName: fromHex('000b0203'),
    });
    expect(bodies['time']).to.deep.equal({
      type: 'time',
      time: 9n,
      clockInfo: { clock: 10n, resetCount: 11, restartCount: 12, safe: false },
      firmwareVersion: 13n,
    });
    expect(bodies['creation']).to.deep.equal({
      type: 'creation',
      objectName: fromHex('000b05'),
      creationHash: fromHex('06'),
    });
    expect(bodies['nv-digest']).to.deep.equal({
      type: 'nv-digest',
      indexName: fromHex('000b07'),
      digest: fromHex('0809'),
    });
  });

  for (const [type, bytes] of ALL) {
    it(`writes a ${type} attestation as it was read`, () => {
      expect(toHex(writeAttest(parseAttest(bytes)))).to.equal(toHex(bytes));
    });

    it(`refuses a ${type} attestation cut anywhere, with the offset of the field (F-19)`, () => {
      for (let length = 0; length < bytes.length; length++) {
        const { code, offset } = refusalOf(() => parseAttest(bytes.subarray(0, length)));
        expect(code, `cut to ${length}`).to.equal('tpm.truncated');
        expect(offset).to.be.within(0, length);
      }
    });

    it(`refuses a byte behind a ${type} attestation (F-19)`, () => {
      expectRefusal(() => parseAttest(followedBy(bytes, 0)), 'tpm.trailing-bytes', bytes.length);
    });
  }

  it('what parses re-encodes identically, whatever was changed in it', () => {
    const property = fc.property(fc.constantFrom(...ALL), fc.array(fc.nat(), { maxLength: 3 }), ([, good], bits) => {
      const bytes = bits.reduce((changed, bit) => flipped(changed, bit % (good.length * 8)), good);
      const attest = unlessRefused(() => parseAttest(bytes));
      if (attest !== undefined) expect(toHex(writeAttest(attest))).to.equal(toHex(bytes));
    });
    fc.assert(property, { seed: SEED, numRuns: 2000 });
  });

  it('judges the magic before anything behind it', () => {
    expectRefusal(() => parseAttest(fromHex('ff544346')), 'quote.magic', 0);
    expectRefusal(() => parseAttest(fromHex('ff5443')), 'tpm.truncated', 0);
  });

  it('judges the type before the body, where one is asked for (F-18)', () => {
    for (const [type, bytes] of ALL.filter(([name]) => name !== 'quote')) {
      expectRefusal(() => parseAttest(bytes, 'quote'), 'quote.type', 4);
      expect(parseAttest(bytes, type as AttestType).attested.type).to.equal(type);
    }
    expectRefusal(() => parseAttest(structure('8020'), 'quote'), 'quote.type', 4);
    expectRefusal(() => parseAttest(structure('8020')), 'tpm.value', 4);
  });

  it('takes 0 and 1 for a TPMI_YES_NO and nothing else', () => {
    const withSafe = (value: number): Uint8Array =>
      Uint8Array.from(SAMPLES.quote, (byte, i) => (i === SAFE_AT ? value : byte));
    expect(parseAttest(withSafe(0)).clockInfo.safe).to.equal(false);
    expectRefusal(() => parseAttest(withSafe(2)), 'tpm.value', SAFE_AT);
    expectRefusal(() => parseAttest(structure('8016', '02', '0000')), 'tpm.value', SAFE_AT + 9);
  });

  it('reads all 64 bits of clock and firmware version (F-47)', () => {
    const bytes = writeAttest({
      ...parseAttest(SAMPLES.quote),
      clockInfo: { clock: 2n ** 64n - 1n, resetCount: 2 ** 32 - 1, restartCount: 2 ** 32 - 2, safe: true },
      firmwareVersion: 2n ** 63n + 1n,
    });
    const attest = parseAttest(bytes);
    expect(attest.clockInfo.clock).to.equal(2n ** 64n - 1n);
    expect(attest.clockInfo.resetCount).to.equal(4_294_967_295);
    expect(attest.firmwareVersion).to.equal(9_223_372_036_854_775_809n);
  });

  it('gives plain Uint8Arrays even of a Buffer, so that slice() copies (F-48)', () => {
    const { extraData } = parseAttest(Buffer.from(EMULATOR_QUOTE.attest));
    const kept = extraData.slice();
    extraData.fill(0);
    expect(kept).to.deep.equal(EMULATOR_QUOTE.qualifyingData);
  });
});
