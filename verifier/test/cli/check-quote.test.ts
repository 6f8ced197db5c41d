import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AK_ATTRIBUTES, NO_DA, toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { flipped, followedBy } from '../mutation.ts';
import { SELECTION, SoftQuoter, VALUES } from '../tpm2-tools/soft-quote.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const RUN = ['--import', import.meta.resolve('tsx'), '--conditions=mtm-source', MAIN, 'check-quote'];

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('mtm-verifier check-quote', () => {
  const quoter = new SoftQuoter('rsassa');
  const { files, expected } = quoter.quote(SELECTION, VALUES);
  const nonce = toHex(expected.qualification ?? new Uint8Array());
  let directory = '';

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'mtm-check-quote-'));
    const written = {
      ...files,
      pem: quoter.pem,
      noda: quoter.area(AK_ATTRIBUTES | NO_DA),
      plain: quoter.plain(files.message),
      long: followedBy(files.message, 0),
      forged: flipped(files.signature, 100),
      values: Buffer.concat([Buffer.alloc(32), Buffer.alloc(32, 0x77), Buffer.alloc(20, 0x11)]),
      json: Buffer.from(
        `{"sha256": {"0": "${'00'.repeat(32)}", "7": "${'77'.repeat(32)}"}, "sha1": {"1": "${'11'.repeat(20)}"}}\n`,
      ),
    };
    for (const [name, bytes] of Object.entries(written)) writeFileSync(join(directory, name), bytes);
  });

  after(() => {
    rmSync(directory, { recursive: true });
  });

  /** Runs the command among the files, as the bin stub would. */
  function run(change: Readonly<Record<string, string>> = {}, ...more: readonly string[]): Ended {
    const options = { public: 'public', message: 'message', signature: 'signature', ...change };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    return spawnSync(process.execPath, [...RUN, ...args, ...more], { cwd: directory, encoding: 'utf8' });
  }

  function documentOf({ stdout }: Ended): unknown {
    expect(stdout.trim().split('\n')).to.have.length(1);
    return JSON.parse(stdout);
  }

  const asked = { selection: 'sha256:0,7+sha1:1', qualification: nonce };

  it('exits 0 for a quote that holds, and says what it says', () => {
    const ended = run({ ...asked, pcrs: 'pcrs' });
    expect(ended.stderr).to.equal('');
    expect(ended.status).to.equal(0);
    expect(ended.stdout).to.match(/^The quote holds: rsassa with sha256 over sha256:0,7\+sha1:1\n/);
    expect(ended.stdout).to.include(`extraData: ${nonce}`);
    expect(ended.stdout).to.match(/\nNot checked: nothing\n$/);
  });

  it('prints one JSON document with --json, with what was not checked', () => {
    const ended = run({ public: 'pem' }, '--json');
    expect(ended.status).to.equal(0);
    expect(documentOf(ended)).to.deep.include({
      ok: true,
      notChecked: ['key.attributes', 'quote.selection', 'quote.nonce', 'pcr.digest'],
    });
    expect(documentOf(ended)).to.have.nested.property('quote.clock', '5');
  });

  it('takes PCR values as plain values and as JSON, and a plain signature', () => {
    for (const pcrs of ['values', 'json']) expect(run({ ...asked, pcrs }).status, pcrs).to.equal(0);
    expect(run({ ...asked, signature: 'plain', public: 'pem', hash: 'sha256', scheme: 'rsassa' }).status).to.equal(0);
  });

  it('takes noDA with --allow-noda only', () => {
    expect(documentOf(run({ public: 'noda' }, '--json'))).to.include({ ok: false, code: 'key.attributes' });
    expect(run({ public: 'noda' }, '--allow-noda').status).to.equal(0);
  });

  it('exits 1 for one that does not, with code, file, offset and the next step on standard error', () => {
    const ended = run({ message: 'long' });
    expect(ended.status).to.equal(1);
    expect(ended.stdout).to.equal('');
    const where = `tpm.trailing-bytes in long, byte ${files.message.length}: `;
    expect(ended.stderr.startsWith(where), ended.stderr).to.equal(true);
    expect(ended.stderr).to.include(' Next: ');
    expect(run({ ...asked, signature: 'forged' }).stderr).to.match(/^signature\.invalid in forged: .* Next: /);
  });

  it('exits 1 with one JSON document, code and next step, with --json', () => {
    const other = '00'.repeat(32);
    const ended = run({ ...asked, qualification: other }, '--json');
    expect(ended.status).to.equal(1);
    expect(ended.stderr).to.equal('');
    const detail = `expected ${other}, quoted ${nonce}`;
    expect(documentOf(ended)).to.deep.include({ ok: false, code: 'quote.nonce', detail, notChecked: ['pcr.digest'] });
    expect(documentOf(ended)).to.have.property('next').that.is.a('string');
  });

  it('holds an empty --qualification against the quote, which is not the same as none', () => {
    expect(documentOf(run({ qualification: '' }, '--json'))).to.include({ code: 'quote.nonce' });
  });

  it('exits 2 for a file that cannot be opened', () => {
    const ended = run({ message: 'absent' }, '--json');
    expect(ended.status).to.equal(2);
    expect(documentOf(ended)).to.include({ ok: false, code: 'file.unreadable' });
    expect(run({ pcrs: '.' }).status).to.equal(2);
  });

  it('exits 2 for bad options', () => {
    const bad = [
      { selection: 'sha256:24' },
      { selection: 'sm3:1' },
      { qualification: 'abc' },
      { hash: 'sha1' },
      { scheme: 'ecdsa' },
      { unknown: '1' },
    ];
    for (const change of bad) expect(run(change).status, JSON.stringify(change)).to.equal(2);
    expect(spawnSync(process.execPath, RUN, { cwd: directory }).status).to.equal(2);
    const plain = run({ signature: 'plain', public: 'pem' }, '--json');
    expect(plain.status).to.equal(2);
    expect(documentOf(plain)).to.include({ code: 'option.signature-form' });
  });
});
