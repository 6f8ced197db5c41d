import { AK_ATTRIBUTES, NO_DA, type ProtocolCode, parseSelectionText, toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { VerifierError } from '../../src/error.ts';
import { checkQuote, type QuoteExpectation, type QuoteFiles } from '../../src/tpm2-tools/quote-check.ts';
import { flipped, followedBy } from '../mutation.ts';
import { SELECTION, SoftQuoter, VALUES } from './soft-quote.ts';

const QUOTERS = [new SoftQuoter('ecdsa'), new SoftQuoter('rsassa'), new SoftQuoter('rsapss', 'sha384', 3072)];

function codeOf(files: QuoteFiles, expected: QuoteExpectation): ProtocolCode | 'holds' {
  const checked = checkQuote(files, expected);
  return checked.ok ? 'holds' : checked.code;
}

function json(change: Record<string, string> = {}): Uint8Array {
  const sha256 = { 0: '00'.repeat(32), 7: '77'.repeat(32), ...change };
  return Buffer.from(JSON.stringify({ sha1: { 1: '11'.repeat(20) }, sha256 }));
}

for (const quoter of QUOTERS) {
  describe(`check-quote of ${quoter.scheme} with ${quoter.hash}`, () => {
    const { files, expected } = quoter.quote(SELECTION, VALUES);
    const { message } = files;
    const code = (change: Partial<QuoteFiles>, other: Partial<QuoteExpectation> = {}): ProtocolCode | 'holds' =>
      codeOf({ ...files, ...change }, { ...expected, ...other });

    it('holds, and says what the quote says', () => {
      const checked = checkQuote(files, expected);
      if (!checked.ok) return expect.fail(checked.code);
      expect(checked.notChecked).to.deep.equal([]);
      expect(checked.quote).to.include({
        scheme: quoter.scheme,
        hash: quoter.hash,
        extraData: toHex(expected.qualification ?? new Uint8Array()),
        clock: '5',
        resetCount: 2,
        restartCount: 1,
        safe: true,
        firmwareVersion: '0000000000000007',
        selection: 'sha256:0,7+sha1:1',
      });
      expect(checked.quote.keyName).to.match(/^000b[0-9a-f]{64}$/);
    });

    it('holds for every form of the files', () => {
      const area = quoter.area();
      const hash = { hash: quoter.hash, ...(quoter.scheme === 'ecdsa' ? {} : { scheme: quoter.scheme }) };
      expect(code({ public: Uint8Array.from([area.length >> 8, area.length & 0xff, ...area]) })).to.equal('holds');
      expect(code({ public: quoter.pem })).to.equal('holds');
      expect(code({}, hash)).to.equal('holds');
      for (const signature of [quoter.plain(message), quoter.raw(message)]) {
        expect(code({ signature })).to.equal('holds');
        expect(code({ signature }, hash)).to.equal('holds');
        expect(code({ signature, public: quoter.pem }, hash)).to.equal('holds');
      }
      expect(code({ pcrs: json() })).to.equal('holds');
      expect(code({ pcrs: json({ 9: '99'.repeat(32) }) })).to.equal('holds');
      const values = Buffer.concat([Buffer.alloc(32), Buffer.alloc(32, 0x77), Buffer.alloc(20, 0x11)]);
      expect(code({ pcrs: values })).to.equal('holds');
    });

    it('names what was not checked', () => {
      const { public: publicFile, signature } = files;
      const bare = checkQuote({ public: publicFile, message, signature }, {});
      expect(bare).to.deep.include({ ok: true, notChecked: ['quote.selection', 'quote.nonce', 'pcr.digest'] });
      expect(checkQuote({ ...files, public: quoter.pem }, expected).notChecked).to.deep.equal(['key.attributes']);
      const refused = checkQuote({ public: publicFile, message, signature: flipped(signature, 200) }, expected);
      expect(refused).to.deep.include({ ok: false, notChecked: ['pcr.digest'] });
    });

    it('is refused by the first check that fails', () => {
      const { qualification = message, selection } = expected;
      expect(code({}, { qualification: flipped(qualification, 0) })).to.equal('quote.nonce');
      expect(code({}, { qualification: qualification.subarray(0, 31) })).to.equal('quote.nonce');
      expect(code({}, { qualification: new Uint8Array() })).to.equal('quote.nonce');
      expect(code({ pcrs: json() }, { selection: parseSelectionText('sha256:0,7') })).to.equal('quote.selection');
      expect(code({ pcrs: json() }, { selection: [...(selection ?? [])].reverse() })).to.equal('quote.selection');
      expect(code({ pcrs: json({ 7: '78'.repeat(32) }) })).to.equal('pcr.digest');
      expect(code({ pcrs: Buffer.from('{}') })).to.equal('pcr.digest');
      const other = new SoftQuoter(quoter.scheme, quoter.hash, 3072);
      expect(code({ public: other.area() })).to.equal('signature.invalid');
      expect(code({ public: quoter.area(AK_ATTRIBUTES | NO_DA) })).to.equal('key.attributes');
      expect(code({ public: quoter.area(AK_ATTRIBUTES | NO_DA) }, { allowNoDa: true })).to.equal('holds');
      expect(code({ public: quoter.area(0x00040072) })).to.equal('key.attributes');
      expect(code({}, { hash: 'sha512' })).to.equal('signature.algorithm');
      expect(code({}, { scheme: quoter.scheme === 'rsapss' ? 'rsassa' : 'rsapss' })).to.equal('signature.algorithm');
    });

    it('is refused over other PCRs than the PCR file has, without --selection too (F-15)', () => {
      const other = quoter.quote(parseSelectionText('sha256:0'), VALUES);
      expect(code({ pcrs: other.files.pcrs })).to.equal('pcr.digest');
      expect(codeOf({ ...files, pcrs: other.files.pcrs }, {})).to.equal('pcr.digest');
      const more = { ...VALUES, sha256: new Map([...(VALUES.sha256 ?? []), [9, new Uint8Array(32)]]) };
      const wider = quoter.quote(parseSelectionText('sha256:0,7,9+sha1:1'), more);
      expect(code({ pcrs: wider.files.pcrs })).to.equal('pcr.digest');
      expect(codeOf(files, {})).to.equal('holds');
    });

    it('is refused with any one bit of the message flipped', () => {
      for (let bit = 0; bit < 8 * message.length; bit++) {
        expect(codeOf({ ...files, message: flipped(message, bit) }, {}), `bit ${bit}`).to.not.equal('holds');
      }
    });

    it('is refused with any one bit of the signature flipped, in every form', () => {
      const forms = [files.signature, quoter.plain(message), quoter.raw(message)];
      for (const signature of forms) {
        for (let bit = 0; bit < 8 * signature.length; bit++) {
          expect(code({ signature: flipped(signature, bit) }), `bit ${bit}`).to.not.equal('holds');
        }
      }
    });

    it('is refused with any one bit of the key flipped, in every form', () => {
      const area = quoter.area();
      const tpm2b = Uint8Array.from([area.length >> 8, area.length & 0xff, ...area]);
      for (const bytes of [area, tpm2b, quoter.pem]) {
        for (let bit = 0; bit < 8 * bytes.length; bit++) {
          expect(code({ public: flipped(bytes, bit) }), `bit ${bit}`).to.not.equal('holds');
        }
      }
    });

    it('is refused with any one bit of the PCR file flipped, in every form', () => {
      const values = Buffer.concat([Buffer.alloc(32), Buffer.alloc(32, 0x77), Buffer.alloc(20, 0x11)]);
      for (const bytes of [files.pcrs, values, json()]) {
        for (let bit = 0; bit < 8 * bytes.length; bit++) {
          expect(code({ pcrs: flipped(bytes, bit) }), `bit ${bit}`).to.not.equal('holds');
        }
      }
    });

    it('is refused with any file cut anywhere or followed by a byte (F-19)', () => {
      const named: readonly (readonly [keyof QuoteFiles, Uint8Array])[] = [
        ['public', files.public],
        ['public', quoter.pem],
        ['message', message],
        ['signature', files.signature],
        ['pcrs', files.pcrs],
      ];
      for (const [name, bytes] of named) {
        for (let length = 0; length < bytes.length; length++) {
          expect(code({ [name]: bytes.subarray(0, length) }), `${name} cut to ${length}`).to.not.equal('holds');
        }
        for (const byte of [0, 0x0a, 0x20]) {
          expect(code({ [name]: followedBy(bytes, byte) }), `${name} followed by ${byte}`).to.not.equal('holds');
        }
      }
    });
  });
}

describe('check-quote', () => {
  const [ecc, rsa] = QUOTERS;
  if (ecc === undefined || rsa === undefined) throw new RangeError('no quoters');
  const { files, expected } = rsa.quote(SELECTION, VALUES);

  it('says where to look and what is there instead', () => {
    expect(checkQuote({ ...files, message: followedBy(files.message, 0) }, expected)).to.include({
      code: 'tpm.trailing-bytes',
      file: 'message',
      offset: files.message.length,
    });
    expect(checkQuote({ ...files, public: rsa.area(0x000300b2) }, expected)).to.include({
      code: 'key.attributes',
      file: 'public',
      detail: 'they are 0x000300b2',
    });
    expect(checkQuote(files, { ...expected, qualification: new Uint8Array() })).to.deep.include({
      code: 'quote.nonce',
      file: 'message',
      detail: `expected none, quoted ${toHex(expected.qualification ?? new Uint8Array())}`,
    });
    expect(
      checkQuote({ ...files, pcrs: json() }, { ...expected, selection: parseSelectionText('sha256:0') }),
    ).to.include({
      file: 'message',
      detail: 'expected sha256:0, quoted sha256:0,7+sha1:1',
    });
    expect(checkQuote({ ...files, pcrs: Buffer.from('{"sha256":{}}') }, expected)).to.include({
      file: 'pcrs',
      detail: 'the file has no value of sha256:0',
    });
    expect(checkQuote({ ...files, signature: flipped(files.signature, 999) }, expected)).to.include({
      code: 'signature.invalid',
      file: 'signature',
    });
  });

  it('refuses what is no quote: another magic, another type (F-18)', () => {
    const { message } = files;
    expect(codeOf({ ...files, message: flipped(message, 3) }, expected)).to.equal('quote.magic');
    for (const type of [0x14, 0x15, 0x16, 0x17, 0x19, 0x1a, 0x1c, 0x00, 0xff]) {
      const other = Uint8Array.from(message, (byte, i) => (i === 5 ? type : byte));
      expect(codeOf({ ...files, message: other, signature: rsa.plain(other) }, expected)).to.equal('quote.type');
    }
  });

  it('needs --hash and --scheme for a plain RSA signature under a PEM key, and says so', () => {
    const plain = { ...files, public: rsa.pem, signature: rsa.plain(files.message) };
    for (const stated of [{}, { hash: 'sha256' as const }, { scheme: 'rsassa' as const }]) {
      expect(() => checkQuote(plain, { ...expected, ...stated }))
        .to.throw(VerifierError)
        .with.property('code', 'option.signature-form');
    }
    expect(codeOf(plain, { ...expected, hash: 'sha256', scheme: 'rsapss' })).to.equal('signature.invalid');
  });

  it('refuses SHA-1 signatures and keys under 2048 bits, in PEM too (F-10)', () => {
    const sha1 = Uint8Array.from([0, 0x14, 0, 4, 1, 0, ...rsa.plain(files.message, 'sha1')]);
    expect(codeOf({ ...files, signature: sha1 }, expected)).to.equal('signature.algorithm');
    expect(codeOf({ ...files, public: rsa.pem, signature: sha1 }, expected)).to.equal('signature.algorithm');
    const small = new SoftQuoter('rsassa', 'sha256', 1024);
    const quote = small.quote(SELECTION, VALUES);
    expect(codeOf(quote.files, quote.expected)).to.equal('key.parameters');
    expect(codeOf({ ...quote.files, public: small.pem }, quote.expected)).to.equal('key.parameters');
  });

  it('refuses the signature of another kind of key (F-17)', () => {
    const other = ecc.quote(SELECTION, VALUES);
    expect(codeOf({ ...files, signature: other.files.signature }, expected)).to.equal('signature.algorithm');
    expect(codeOf({ ...files, public: rsa.pem, signature: other.files.signature }, expected)).to.equal(
      'signature.algorithm',
    );
    expect(codeOf({ ...other.files, signature: files.signature }, other.expected)).to.equal('signature.algorithm');
    expect(codeOf({ ...other.files, public: ecc.pem, signature: files.signature }, other.expected)).to.equal(
      'signature.algorithm',
    );
  });
});
