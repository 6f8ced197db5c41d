import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { documentOf, mtmVerifier } from './command.ts';

const SECRET_FILES = [
  'api-token',
  'api-token.sha256',
  'manifest-key.pem',
  'results-key.pem',
  'root-key.pem',
  'server-key.pem',
];
const OPEN_FILES = ['manifest-public.pem', 'results-public.jwk', 'server-chain.pem', 'verifier.toml'];

describe('mtm-verifier init', () => {
  let parent: string;
  let directory: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'mtm-init-'));
    directory = join(parent, 'verifier');
  });
  afterEach(() => {
    rmSync(parent, { recursive: true });
  });

  const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
  const modeOf = (name: string): number => statSync(join(directory, name)).mode & 0o777;

  it('writes secrets for their owner alone, the rest for everybody, and says what to do next', () => {
    const { status, stdout, stderr } = mtmVerifier(['init', '--dir', directory]);
    expect(status, stderr).to.equal(0);
    expect(stdout).to.match(/^Written to .*\nNext:\n/);
    expect(readdirSync(directory).sort()).to.deep.equal([...SECRET_FILES, ...OPEN_FILES].sort());
    for (const name of SECRET_FILES) expect(modeOf(name), name).to.equal(0o600);
    for (const name of OPEN_FILES) expect(modeOf(name), name).to.equal(0o644);
    expect(statSync(directory).mode & 0o777).to.equal(0o700);
  });

  it('makes a certificate for the hosts named, and a token of which the daemon gets the digest only', () => {
    mtmVerifier(['init', '--dir', directory, '--host', 'attest.example', '--host', '192.0.2.7', '--json']);
    const leaf = new X509Certificate(read('server-chain.pem'));
    expect(leaf.subjectAltName).to.equal(
      'DNS:attest.example, IP Address:192.0.2.7, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    const digest = createHash('sha256').update(read('api-token').trim()).digest('hex');
    expect(read('api-token.sha256').trim()).to.equal(digest);
  });

  it('overwrites nothing: one file that is there, and none is written', () => {
    expect(mtmVerifier(['init', '--dir', directory]).status).to.equal(0);
    const before = readdirSync(directory).map((name) => [name, read(name)]);
    const again = mtmVerifier(['init', '--dir', directory, '--json']);
    expect(again.status).to.equal(2);
    expect(documentOf(again.stdout)).to.include({ ok: false, code: 'init.exists' });
    expect(readdirSync(directory).map((name) => [name, read(name)])).to.deep.equal(before);

    writeFileSync(join(parent, 'verifier.toml'), 'mine');
    expect(mtmVerifier(['init', '--dir', parent]).status).to.equal(2);
    expect(readdirSync(parent).sort()).to.deep.equal(['verifier', 'verifier.toml']);
    expect(readFileSync(join(parent, 'verifier.toml'), 'utf8')).to.equal('mine');
  });

  it('shows no secret that it wrote (F-77)', () => {
    for (const options of [[], ['--json']]) {
      const { stdout, stderr } = mtmVerifier(['init', '--dir', directory, ...options]);
      for (const name of SECRET_FILES) {
        for (const line of read(name).trim().split('\n').filter(isSecret)) {
          expect(stdout + stderr, name).not.to.include(line);
        }
      }
      rmSync(directory, { recursive: true });
    }
  });

  it('writes what serve takes as it is', () => {
    mtmVerifier(['init', '--dir', directory]);
    const checked = mtmVerifier(['serve', '--config', join(directory, 'verifier.toml'), '--check-config', '--json']);
    expect(checked.status).to.equal(0);
    expect(documentOf(checked.stdout)).to.deep.equal({ ok: true });
  });

  it('exits 2 for options that do not fit, and writes nothing', () => {
    const bad = [
      [],
      ['--dir', directory, '--operator', 'Not An Id'],
      ['--dir', directory, '--listen-port', '65536'],
      ['--dir', directory, '--unknown'],
    ];
    for (const options of bad) expect(mtmVerifier(['init', ...options]).status, options.join(' ')).to.equal(2);
    expect(readdirSync(parent)).to.deep.equal([]);
  });
});

/** The armour of a PEM file is no secret. */
function isSecret(line: string): boolean {
  return !line.startsWith('-----');
}
