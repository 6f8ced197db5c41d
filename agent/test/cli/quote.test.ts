import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  decodePublicPem,
  fromHex,
  keyOfSpki,
  parsePcrFile,
  parseSelectionText,
  pcrDigest,
  verifyQuote,
  writePcrSelection,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { openSoftOnDisk } from '../../src/platform/soft/open-soft.ts';
import { RemotePlatform } from '../../src/platform/soft/remote-platform.ts';
import { startTre } from '../../src/platform/soft/start-tre.ts';
import { COMMAND } from '../platform/machines.ts';
import { type Ended, mtmAgent } from './command.ts';

const CHECKER = 'tpm2_checkquote';
const NONCE = 'ab'.repeat(32);

interface Told {
  readonly qualifyingData: string;
  readonly nonce: string;
  readonly purpose: string;
  readonly clock: {
    readonly clock: number;
    readonly resetCount: number;
    readonly restartCount: number;
    readonly safe: boolean;
  };
  readonly files: readonly string[];
}

describe('mtm-agent quote', () => {
  let root = '';
  let state = '';
  let out = '';

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mtm-quote-'));
    state = join(root, 'state');
    out = join(root, 'out');
  });

  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  function quote(...more: readonly string[]): Ended {
    return mtmAgent('quote', '--state', state, '--pcrs', 'sha256:0,1,17', '--nonce', NONCE, '--out', out, ...more);
  }

  function told(ended: Ended): Told {
    expect(ended.status, ended.stderr).to.equal(0);
    expect(ended.stdout.trim().split('\n')).to.have.length(1);
    return JSON.parse(ended.stdout) as Told;
  }

  function file(name: string): Uint8Array {
    return new Uint8Array(readFileSync(join(out, name)));
  }

  function expectHolds(qualifyingData: string): void {
    const selection = parseSelectionText('sha256:0,1,17');
    const pcrs = parsePcrFile(file('pcrs.bin'));
    expect([pcrs.form, pcrs.selection]).to.deep.equal(['serialized', selection]);
    verifyQuote({
      attest: file('quote.attest'),
      signature: file('quote.sig'),
      key: nodeCrypto.importKey(keyOfSpki(decodePublicPem(file('ak.pem')))),
      selection: writePcrSelection(selection),
      qualifyingData: fromHex(qualifyingData),
      pcrDigest: pcrDigest(selection, pcrs.values, nodeCrypto.sha256),
    });
  }

  it('makes and powers on an absent state, and writes a quote that verifies, in files of tpm2-tools; never of raw data (F-14)', () => {
    const first = told(quote('--json'));
    expectHolds(first.qualifyingData);
    expect(first).to.deep.include({ nonce: NONCE, purpose: 'inspect' });
    expect(first.clock).to.include({ resetCount: 1, restartCount: 0, safe: true });
    const names = first.files.map((path) => path.slice(out.length + 1));
    expect(names).to.deep.equal(['ak.pem', 'quote.attest', 'quote.sig', 'pcrs.bin']);
    expect(Buffer.from(file('quote.attest')).toString('hex')).not.to.include(NONCE);
    expect(first.qualifyingData).not.to.equal(createHash('sha256').update(fromHex(NONCE)).digest('hex'));
    expect(told(quote('--json')).clock.resetCount).to.equal(2);
  });

  it('is accepted by tpm2_checkquote, and refused with any other qualifying data or file', function () {
    if (spawnSync(CHECKER, ['--version']).error !== undefined) this.skip();
    const { qualifyingData } = told(quote('--json'));
    const check = (change: Readonly<Record<string, string>> = {}): number | null => {
      const files = { u: 'ak.pem', m: 'quote.attest', s: 'quote.sig', f: 'pcrs.bin', g: 'sha256', q: qualifyingData };
      const args = Object.entries({ ...files, ...change }).flatMap(([name, value]) => [`-${name}`, value]);
      return spawnSync(CHECKER, args, { cwd: out }).status;
    };
    expect(check()).to.equal(0);
    expect(check({ q: NONCE })).not.to.equal(0);
    expect(check({ q: `00${qualifyingData.slice(2)}` })).not.to.equal(0);
    for (const [option, name, at] of [
      ['m', 'quote.attest', 143],
      ['s', 'quote.sig', 40],
      ['f', 'pcrs.bin', 144],
    ] as const) {
      writeFileSync(
        join(out, 'changed'),
        file(name).map((byte, i) => (i === at ? byte ^ 1 : byte)),
      );
      expect(check({ [option]: 'changed' }), name).not.to.equal(0);
    }
  });

  it('asks the TrE of a running terminal, which is not powered on a second time', async () => {
    const directory = join(state, 'tre');
    const tre = await startTre({ directory, command: COMMAND, bound: true });
    try {
      const agent = await RemotePlatform.connect(directory, { role: 'agent' });
      await agent.extend(1, new Uint8Array(32).fill(5));
      const { qualifyingData, clock } = told(quote('--json'));
      expectHolds(qualifyingData);
      expect(clock.resetCount).to.equal(1);
      const values = await agent.readPcrs();
      expect(parsePcrFile(file('pcrs.bin')).values.sha256?.get(1)).to.deep.equal(values.slice(32, 64));
      await agent.close();
      state = directory;
      expect(told(quote('--json')).clock.resetCount).to.equal(1);
    } finally {
      await tre.kill('SIGKILL');
    }
  });

  it('says in one JSON document, or on standard error, why it did not', async () => {
    await (await openSoftOnDisk({ directory: join(state, 'tre') })).close();
    const path = join(state, 'tre', 'state.bin');
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(1));
    const json = quote('--json');
    expect([json.status, json.stderr]).to.deep.equal([1, '']);
    expect(JSON.parse(json.stdout)).to.include({ ok: false, code: 'state.tampered' });
    const text = quote();
    expect([text.status, text.stdout]).to.deep.equal([1, '']);
    expect(text.stderr).to.match(/^state\.tampered: /);
    expect(readFileSync(path)).to.deep.equal(bytes.subarray(1));
  });

  it('exits 2 for bad options, banks that it lacks and files that it cannot open', () => {
    const base = ['quote', '--state', state, '--out', out];
    for (const [code, ...args] of [
      ['option.invalid', ...base, '--pcrs', 'sha256:0'],
      ['option.invalid', ...base, '--pcrs', 'sha256:0', '--nonce', NONCE, '--raw', NONCE],
      ['platform.selection', ...base, '--pcrs', 'sha1:0', '--nonce', NONCE],
    ] as const) {
      const ended = mtmAgent(...args, '--json');
      expect(ended.status, args.join(' ')).to.equal(2);
      expect(JSON.parse(ended.stdout), args.join(' ')).to.include({ ok: false, code });
    }
    writeFileSync(out, 'a file in the way');
    expect(quote().status).to.equal(2);
  });
});
