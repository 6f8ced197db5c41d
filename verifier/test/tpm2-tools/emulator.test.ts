import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePublicPem, p256Spki, parseSelectionText, toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { readPublicFile } from '../../src/tpm2-tools/public-file.ts';
import { checkQuote, type QuoteExpectation, type QuoteFiles } from '../../src/tpm2-tools/quote-check.ts';
import { CHECKQUOTE, Emulator, emulatorIsInstalled, toolsAreInstalled } from '../emulator.ts';
import { flipped, followedBy } from '../mutation.ts';
import { SELECTION, SoftQuoter, VALUES } from './soft-quote.ts';

const AK = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign';
const NONCE = 'a1'.repeat(32);
const PCRS = 'sha256:0,1,2,3,4,5,7,10,23+sha1:0,16';

const expected: QuoteExpectation = {
  selection: parseSelectionText(PCRS),
  qualification: new Uint8Array(Buffer.from(NONCE, 'hex')),
};

interface AkKind {
  readonly name: string;
  readonly algorithm: string;
  readonly scheme: 'ecdsa' | 'rsassa' | 'rsapss';
  readonly hash: 'sha256' | 'sha384';
}

const KINDS: readonly AkKind[] = [
  { name: 'ECDSA P-256', algorithm: 'ecc256:ecdsa-sha256:null', scheme: 'ecdsa', hash: 'sha256' },
  { name: 'RSASSA 2048', algorithm: 'rsa2048:rsassa-sha256:null', scheme: 'rsassa', hash: 'sha256' },
  { name: 'RSAPSS 2048', algorithm: 'rsa2048:rsapss-sha384:null', scheme: 'rsapss', hash: 'sha384' },
];

type Files = QuoteFiles & { readonly pcrs: Uint8Array };

/** Files of one key and one quote, under names that begin with `name`. */
class TpmQuoter {
  readonly #tpm: Emulator;
  readonly #kind: AkKind;

  constructor(tpm: Emulator, kind: AkKind) {
    this.#tpm = tpm;
    this.#kind = kind;
  }

  createKey(name: string, attributes = AK, hierarchy = 'e'): void {
    const context = `${name}.ctx`;
    this.#tpm.run('tpm2_createprimary', '-C', hierarchy, '-G', this.#kind.algorithm, '-a', attributes, '-c', context);
    for (const form of ['tss', 'tpmt', 'pem']) {
      this.#tpm.run('tpm2_readpublic', '-c', context, '-f', form, '-o', `${name}.${form}`);
    }
  }

  quote(name: string, signature = 'tss', pcrs = 'serialized', selection = PCRS): Files {
    const { scheme, hash } = this.#kind;
    const files = ['-m', `${name}.attest`, '-s', `${name}.sig`, '-f', signature, '-o', `${name}.pcrs`, '-F', pcrs];
    const signing = ['--scheme', scheme, '-g', hash];
    this.#tpm.run('tpm2_quote', '-c', `${name}.ctx`, '-l', selection, '-q', NONCE, ...signing, ...files);
    return this.files(name);
  }

  /** TPM2_GetTime: the same key signs an attestation of another type. */
  time(name: string): Files {
    const { scheme, hash } = this.#kind;
    const files = ['--attestation', `${name}.attest`, '-o', `${name}.sig`];
    this.#tpm.run('tpm2_gettime', '-c', `${name}.ctx`, '-q', NONCE, '-s', scheme, '-g', hash, ...files);
    return this.files(name);
  }

  files(name: string): Files {
    const [publicFile, message, signature, pcrs] = ['tss', 'attest', 'sig', 'pcrs'].map((end) =>
      this.#tpm.read(`${name}.${end}`),
    ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    return { public: publicFile, message, signature, pcrs };
  }
}

function outcomeOf(files: QuoteFiles, change: QuoteExpectation = {}): string {
  const checked = checkQuote(files, { ...expected, ...change });
  return checked.ok ? 'holds' : checked.code;
}

function expectEveryMutationRefused(files: Files, name: keyof Files): void {
  const bytes = files[name];
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    expect(outcomeOf({ ...files, [name]: flipped(bytes, bit) }), `${name}, bit ${bit}`).to.not.equal('holds');
  }
  for (let length = 0; length < bytes.length; length++) {
    expect(outcomeOf({ ...files, [name]: bytes.subarray(0, length) }), `${name}, cut to ${length}`).to.not.equal(
      'holds',
    );
  }
  for (const byte of [0x00, 0x0a, 0xff]) {
    expect(outcomeOf({ ...files, [name]: followedBy(bytes, byte) }), `${name}, followed by ${byte}`).to.not.equal(
      'holds',
    );
  }
}

describe('check-quote against a TPM emulator and tpm2-tools', () => {
  let tpm: Emulator | undefined;

  before(async function () {
    if (!emulatorIsInstalled()) {
      if (process.env['CI'] === 'true')
        expect.fail('swtpm or tpm2-tools are missing: apt-get install swtpm tpm2-tools');
      this.skip();
    }
    tpm = await Emulator.start();
  });

  after(async () => {
    await tpm?.stop();
  });

  for (const kind of KINDS) {
    describe(kind.name, () => {
      let quoter: TpmQuoter;
      let files: Files;

      before(() => {
        if (tpm === undefined) return;
        quoter = new TpmQuoter(tpm, kind);
        quoter.createKey(kind.scheme);
        files = quoter.quote(kind.scheme);
      });

      it('takes a fresh quote, and each form of its files', () => {
        expect(checkQuote(files, expected)).to.deep.include({ ok: true, notChecked: [] });
        const [tpmt, pem] = [tpm?.read(`${kind.scheme}.tpmt`), tpm?.read(`${kind.scheme}.pem`)];
        if (tpmt === undefined || pem === undefined) return expect.fail('no key files');
        expect(outcomeOf({ ...files, public: tpmt })).to.equal('holds');
        expect(outcomeOf({ ...files, public: pem })).to.equal('holds');
        const plain = quoter.quote(kind.scheme, 'plain', 'values');
        const { hash, scheme } = kind;
        const stated = scheme === 'ecdsa' ? { hash } : { hash, scheme };
        expect(outcomeOf(plain, stated)).to.equal('holds');
        expect(outcomeOf({ ...plain, public: pem }, stated)).to.equal('holds');
      });

      if (kind.scheme === 'ecdsa') {
        it('writes the PEM file byte for byte as we do', () => {
          const file = readPublicFile(files.public);
          if (file.form === 'pem' || file.area.parameters.type !== 'ecc') return expect.fail('another key');
          const { x, y } = file.area.parameters;
          const pem = Buffer.from(tpm?.read('ecdsa.pem') ?? new Uint8Array());
          expect(encodePublicPem(p256Spki(x, y))).to.equal(pem.toString('latin1'));
        });
      }

      for (const name of ['message', 'signature', 'public', 'pcrs'] as const) {
        it(`refuses every bit flipped in the ${name} file, every cut and a byte behind it`, () => {
          expectEveryMutationRefused(files, name);
        });
      }

      it('refuses every bit flipped in a PEM key, every cut and a byte behind it', () => {
        const pem = tpm?.read(`${kind.scheme}.pem`);
        if (pem === undefined) return expect.fail('no key file');
        expectEveryMutationRefused({ ...files, public: pem }, 'public');
      });

      it('refuses another nonce and another selection (F-01, F-15)', () => {
        expect(outcomeOf(files, { qualification: new Uint8Array(32) })).to.equal('quote.nonce');
        expect(outcomeOf(files, { qualification: new Uint8Array() })).to.equal('quote.nonce');
        const { pcrs, ...rest } = files;
        expect(pcrs).to.have.length(132 + 4 + 2 * 532);
        for (const text of ['sha256:0', 'sha1:0,16+sha256:0,1,2,3,4,5,7,10,23', `${PCRS}+sha384:0`]) {
          expect(outcomeOf(rest, { selection: parseSelectionText(text) })).to.equal('quote.selection');
        }
      });

      it('refuses another key of the same TPM (F-08)', () => {
        const other = `${kind.scheme}-other`;
        quoter.createKey(other, AK, 'o');
        const publicFile = tpm?.read(`${other}.tss`) ?? new Uint8Array();
        expect(outcomeOf({ ...files, public: publicFile })).to.equal('signature.invalid');
      });

      it('refuses a key that is not restricted, and one with noDA unless it is allowed (F-09)', () => {
        const [free, noDa] = [`${kind.scheme}-free`, `${kind.scheme}-noda`];
        quoter.createKey(free, AK.replace('restricted|', ''));
        expect(outcomeOf(quoter.quote(free))).to.equal('key.attributes');
        quoter.createKey(noDa, `${AK}|noda`);
        const quote = quoter.quote(noDa);
        expect(outcomeOf(quote)).to.equal('key.attributes');
        expect(outcomeOf(quote, { allowNoDa: true })).to.equal('holds');
      });

      it('refuses an attestation of another type by the same key (F-18)', () => {
        const { message, signature } = quoter.time(kind.scheme);
        expect(outcomeOf({ ...files, message, signature })).to.equal('quote.type');
      });
    });
  }
});

// tpm2_checkquote 5.4 refuses every RSAPSS quote, a TPM's own too.
describe(CHECKQUOTE, () => {
  let directory: string | undefined;

  before(function () {
    if (!toolsAreInstalled()) {
      if (process.env['CI'] === 'true') expect.fail('tpm2-tools are missing: apt-get install tpm2-tools');
      this.skip();
    }
    directory = mkdtempSync(join(tmpdir(), 'mtm-checkquote-'));
  });

  after(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true });
  });

  for (const quoter of [new SoftQuoter('ecdsa'), new SoftQuoter('rsassa')]) {
    it(`takes the files that we write for ${quoter.scheme}, and refuses another nonce`, () => {
      const path = directory ?? expect.fail('no directory');
      const { files, expected: asked } = quoter.quote(SELECTION, VALUES);
      for (const [name, bytes] of Object.entries({ ...files, public: quoter.pem }))
        writeFileSync(join(path, name), bytes);
      const check = (nonce: Uint8Array): void => {
        const names = ['-u', 'public', '-m', 'message', '-s', 'signature', '-f', 'pcrs', '-g', quoter.hash];
        execFileSync(CHECKQUOTE, [...names, '-q', toHex(nonce)], { cwd: path, stdio: 'ignore' });
      };
      const nonce = asked.qualification ?? new Uint8Array();
      check(nonce);
      expect(() => check(flipped(nonce, 0))).to.throw();
    });
  }
});
