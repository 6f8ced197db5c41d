import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { AGGREGATE, file, imaList, imaPcr } from '../log-check/ima-file.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const FILES = [AGGREGATE, file('/init')];

describe('mtm-verifier check-log --format ima', () => {
  let directory = '';

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'mtm-check-ima-'));
    writeFileSync(join(directory, 'list'), imaList(FILES));
    const zeros = Array.from({ length: 10 }, (_, pcr) => [pcr, '00'.repeat(32)] as const);
    const value = toHex(imaPcr(FILES, 'sha256', 'per-bank'));
    writeFileSync(join(directory, 'pcrs'), JSON.stringify({ sha256: Object.fromEntries([...zeros, [10, value]]) }));
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(join(directory, 'key'), publicKey.export({ type: 'spki', format: 'pem' }));
  });

  after(() => {
    rmSync(directory, { recursive: true });
  });

  function run(...more: readonly string[]) {
    const options = ['check-log', '--format', 'ima', '--log', join(directory, 'list'), '--json', ...more];
    const { status, stdout } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--conditions=mtm-source', MAIN, ...options],
      {
        encoding: 'utf8',
      },
    );
    return { status, document: JSON.parse(stdout) as Record<string, unknown> };
  }

  it('ends with 2 and says what to give where the rule is missing', () => {
    const { status, document } = run('--bank', 'sha256');
    expect(status).to.equal(2);
    expect(document).to.include({ ok: false, code: 'option.ima-template-hash' });
    expect(document['next']).to.include('--ima-template-hash per-bank');
  });

  it('takes the rule, keys, kexec, and PCR values of the boot beside those that count', () => {
    const values = ['--pcrs', join(directory, 'pcrs'), '--selection', 'sha256:10'];
    const rule = ['--ima-template-hash', 'per-bank', '--ima-kexec', '--ima-key', join(directory, 'key')];
    const { status, document } = run(...values, ...rule);
    expect(status).to.equal(0);
    expect(document).to.deep.include({ ok: true, events: 2, compared: { sha256: [10] }, bootAggregate: 'matches' });
    expect(document['signatures']).to.deep.include({ unsigned: 2 });
    expect(run(...values, '--ima-template-hash', 'padded')).to.have.property('status', 1);
  });
});
