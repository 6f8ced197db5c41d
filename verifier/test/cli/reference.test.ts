import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ENVIRONMENT, MEASUREMENT, signed, TPM_PROFILE, UUID_TEXT, withTriples } from '../corim/builder.ts';
import { signer } from '../ear/fixture.ts';
import { documentOf, type Ended, mtmVerifier } from './command.ts';

describe('mtm-verifier reference import', () => {
  const maker = signer();
  let directory: string;
  let file: string;
  let key: string;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'mtm-reference-'));
    file = join(directory, 'signed.cbor');
    key = join(directory, 'maker.jwk');
    writeFileSync(file, signed(maker, withTriples({ 0: [[ENVIRONMENT, [MEASUREMENT]]] }, TPM_PROFILE)));
    writeFileSync(key, maker.jwk);
  });
  after(() => {
    rmSync(directory, { recursive: true });
  });

  const run = (...options: readonly string[]): Ended =>
    mtmVerifier(['reference', 'import', '--corim', file, '--at', '2025-01-01T00:00:00Z', ...options]);

  it('shows the PCR values of a document that its maker signed', () => {
    const { status, stdout, stderr } = run('--key', key, '--json');
    expect(status, stdout + stderr).to.equal(0);
    const read = documentOf(stdout);
    expect(read).to.deep.include({ ok: true, signature: 'verified', signer: 'a signer', notImported: [] });
    expect(read['pcrs']).to.deep.equal([
      { model: UUID_TEXT, pcr: 4, digests: { sha256: ['01'.repeat(32)], sha384: ['02'.repeat(48)] } },
    ]);
  });

  it('says it in words, and that no signature was checked where no key was given', () => {
    const { status, stdout } = run();
    expect(status).to.equal(0);
    expect(stdout)
      .to.include(`${UUID_TEXT}, PCR 4`)
      .and.to.include(`sha256  ${'01'.repeat(32)}`);
    expect(stdout).to.match(/Not checked: signature \(no --key\)\n$/);
  });

  it('exits 1 with a code under another key and after the end, 2 for a file that is not there', () => {
    const other = join(directory, 'other.jwk');
    writeFileSync(other, signer().jwk);
    const forged = run('--key', other, '--json');
    expect([forged.status, documentOf(forged.stdout)['code']]).to.deep.equal([1, 'corim.signature']);
    const late = run('--key', key, '--at', '2090-01-01T00:00:00Z', '--json');
    expect([late.status, documentOf(late.stdout)['code']]).to.deep.equal([1, 'corim.validity']);
    expect(run('--key', join(directory, 'none')).status).to.equal(2);
  });
});
