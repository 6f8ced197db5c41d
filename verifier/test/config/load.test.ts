import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { configTable } from '../../src/config/documentation.ts';
import { loadConfig } from '../../src/config/load.ts';
import { CONFIG_KEYS, type Config } from '../../src/config/schema.ts';
import { VerifierError } from '../../src/error.ts';

describe('configuration', () => {
  let directory: string;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'mtm-config-'));
  });

  after(() => {
    rmSync(directory, { recursive: true });
  });

  function file(text: string): string {
    const path = join(directory, 'verifier.toml');
    writeFileSync(path, text);
    return path;
  }

  function load(text: string, environment: Record<string, string> = {}, set: readonly string[] = []): Config {
    return loadConfig({ file: file(text), environment, set });
  }

  function refusal(work: () => unknown): string {
    try {
      work();
    } catch (error) {
      if (error instanceof VerifierError) return `${error.code}: ${error.detail}`;
      throw error;
    }
    return 'taken';
  }

  it('without any key is strict', () => {
    expect(load('')).to.deep.equal({
      operator: 'operator',
      audience: 'verifier',
      binding: 'tls-exporter',
      pcrs: 'sha256:0,1,4,5,7,10,11,12,13,14',
      listen: { host: '127.0.0.1', port: 8443, path: '/attest', url: '' },
      tls: { chainFile: join(directory, 'server-chain.pem'), keyFile: join(directory, 'server-key.pem') },
      api: { host: '127.0.0.1', port: 8444, tokenFile: join(directory, 'api-token.sha256') },
      store: { path: join(directory, 'verifier.db'), gatherMs: 10 },
      audit: { intervalMs: 300_000, freshnessMs: 1_200_000, nonceLifeMs: 60_000, graceMs: 60_000 },
      limits: {
        maxPayload: 65_536,
        unauthenticated: 256,
        unauthenticatedDeadlineMs: 5000,
        enrolmentDeadlineMs: 60_000,
        partsDeadlineMs: 60_000,
        maxEvents: 1_000_000,
        maxListBytes: 1_048_576,
        maxPlatformLogBytes: 16_777_216,
        messagesPerSecond: 20,
        messageBurst: 200,
      },
      reference: { keys: [], threshold: 1 },
      tokens: { lifeMs: 86_400_000 },
      log: { level: 'info' },
      shutdown: { deadlineMs: 10_000 },
    } satisfies Config);
  });

  it('comes from file, environment and flags, the later above the earlier, key by key', () => {
    const text = '[audit]\nintervalMs = 1000\ngraceMs = 2000\nnonceLifeMs = 3000\n';
    const environment = { MTM_VERIFIER_AUDIT_GRACE_MS: '4000', MTM_VERIFIER_AUDIT_NONCE_LIFE_MS: '5000', PATH: '/bin' };
    const { audit } = load(text, environment, ['audit.nonceLifeMs=6000']);
    expect(audit).to.deep.equal({ intervalMs: 1000, freshnessMs: 4000, nonceLifeMs: 6000, graceMs: 4000 });
  });

  it('takes a value from the file that a variable names', () => {
    const value = join(directory, 'value');
    writeFileSync(value, 'operator-x\n');
    expect(load('', { MTM_VERIFIER_OPERATOR_FILE: value }).operator).to.equal('operator-x');
    expect(refusal(() => load('', { MTM_VERIFIER_OPERATOR_FILE: join(directory, 'absent') }))).to.match(
      /^config.unreadable/,
    );
    expect(load('', { MTM_VERIFIER_API_TOKEN_FILE: value }).api.tokenFile, 'a key of its own').to.equal(value);
  });

  it('reads lists and numbers from texts, and nothing else into them', () => {
    const { reference } = load('', { MTM_VERIFIER_REFERENCE_KEYS: 'a.pem, /k/b.pem' });
    expect(reference.keys).to.deep.equal([join(directory, 'a.pem'), '/k/b.pem']);
    expect(load('', { MTM_VERIFIER_REFERENCE_KEYS: '' }).reference.keys).to.deep.equal([]);
    for (const text of ['', '1e3', '0x10', ' 5', 'ten', '1.5']) {
      expect(
        refusal(() => load('', { MTM_VERIFIER_LISTEN_PORT: text })),
        text,
      ).to.match(/^config.invalid: listen.port/);
    }
  });

  const refused: readonly [string, string, RegExp][] = [
    ['an unknown key', 'colour = "blue"', /colour: no such key/],
    ['an unknown key of a section', '[audit]\ninterval = 5', /audit.interval: no such key/],
    ['a section that is none', 'audit = 5', /audit/],
    ['text that is not TOML', 'a = = 1', /not TOML/],
    ['an operator outside the alphabet', 'operator = "Ä"', /operator/],
    ['a nonce that lives longer than a minute', '[audit]\nnonceLifeMs = 60001', /audit.nonceLifeMs/],
    [
      'evidence fresh for less than four intervals',
      '[audit]\nintervalMs = 1000\nfreshnessMs = 3999',
      /audit.freshnessMs/,
    ],
    ['messages above 64 KiB', '[limits]\nmaxPayload = 65537', /limits.maxPayload/],
    ['another bank', 'pcrs = "sha1:5,11,12,13"', /pcrs/],
    ['two banks', 'pcrs = "sha256:5,11,12,13+sha1:0"', /pcrs/],
    ['a selection without the audits', 'pcrs = "sha256:0,1,4,5,7,10,11,12"', /pcrs/],
    ['a selection without a PCR of boot components', 'pcrs = "sha256:0,1,5,7,10,11,12,13"', /pcrs/],
    ['an address that is not wss', '[listen]\nurl = "https://a/b"', /listen.url/],
    ['an address with a user', '[listen]\nurl = "wss://me@a/b"', /listen.url/],
    ['another binding', 'binding = "none"', /binding/],
    ['more signers than there are keys', '[reference]\nkeys = ["a"]\nthreshold = 2', /reference.threshold/],
  ];
  for (const [what, text, reason] of refused) {
    it(`refuses ${what}`, () => {
      expect(refusal(() => load(text)))
        .to.match(/^config.invalid: /)
        .and.to.match(reason);
    });
  }

  it('refuses variables and flags that name no key', () => {
    expect(refusal(() => load('', { MTM_VERIFIER_AUDIT_INTERVAL: '5' }))).to.match(
      /MTM_VERIFIER_AUDIT_INTERVAL: no such key/,
    );
    expect(refusal(() => load('', {}, ['audit=5']))).to.match(/audit: no such key/);
    expect(refusal(() => load('', {}, ['operator']))).to.match(/operator: no such key/);
    expect(refusal(() => load('', {}, ['__proto__.x=5']))).to.match(/no such key/);
  });

  it('tells every reason at once', () => {
    const told = refusal(() => load('colour = 1\noperator = ""\n', { MTM_VERIFIER_NOTHING: '1' }));
    for (const name of ['colour', 'operator', 'MTM_VERIFIER_NOTHING']) expect(told).to.contain(name);
  });

  it('a missing file is unreadable', () => {
    expect(refusal(() => loadConfig({ file: join(directory, 'absent'), environment: {} }))).to.match(
      /^config.unreadable/,
    );
  });

  it('is documented key by key in README.md', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    expect(readme).to.contain(`${configTable()}\n<!-- end of configuration -->`);
  });

  it('has a variable of its own for each key', () => {
    const variables = CONFIG_KEYS.map(({ variable }) => variable);
    expect(new Set(variables).size).to.equal(variables.length);
    expect(variables).to.include('MTM_VERIFIER_LIMITS_UNAUTHENTICATED_DEADLINE_MS');
  });
});
