import { createHash, generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseManifest, parseSignedManifest, toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { flipped } from '../mutation.ts';
import { documentOf, type Ended, mtmVerifier } from './command.ts';
import { Site } from './site.ts';

const LOADER = Buffer.from('the first thing that runs');
const KERNEL_DIGEST = '5a'.repeat(32);

function documentAs(change: Readonly<Record<string, unknown>> = {}): string {
  const components = [
    { name: 'loader.bin', file: 'loader.bin', pcr: 0 },
    { name: 'kernel.bin', digest: KERNEL_DIGEST },
    { name: 'meter.bin', digest: KERNEL_DIGEST, phase: 'runtime' },
  ];
  const releases = [{ release: 1, version: '1.0', components }];
  return JSON.stringify({ issuer: 'maker', model: 'model-1', sequence: 1, minimum: 1, releases, ...change });
}

describe('mtm-verifier manifest', () => {
  let site: Site;
  before(async () => {
    site = await Site.prepare();
    writeFileSync(site.path('loader.bin'), LOADER);
    await site.serve();
  });
  after(() => site.remove());

  const manifest = (...args: readonly string[]): Ended => mtmVerifier(['manifest', ...args, '--json']);
  const publish = (file: string): Ended =>
    manifest('publish', site.path(file), '--config', site.config, '--api', site.apiUrl);

  function sign(text: string, out: string, key = 'manifest-key.pem'): Ended {
    writeFileSync(site.path(`${out}.json`), text);
    return manifest('sign', '--key', site.path(key), '--in', site.path(`${out}.json`), '--out', site.path(out));
  }

  it('signs what the document says, and hashes the files that it names', () => {
    const { status, stdout } = sign(documentAs(), 'one.bin');
    expect(status).to.equal(0);
    expect(documentOf(stdout)).to.deep.equal({
      ok: true,
      file: site.path('one.bin'),
      model: 'model-1',
      sequence: 1,
    });
    const { payload } = parseSignedManifest(new Uint8Array(readFileSync(site.path('one.bin'))));
    const components = parseManifest(payload).releases[0]?.components ?? [];
    expect(components.map(({ name, pcr, phase, digest }) => [name, pcr, phase, toHex(digest)])).to.deep.equal([
      ['kernel.bin', 4, 'boot', KERNEL_DIGEST],
      ['loader.bin', 0, 'boot', createHash('sha256').update(LOADER).digest('hex')],
      ['meter.bin', 12, 'runtime', KERNEL_DIGEST],
    ]);
  });

  it('shows a manifest, and says whether its signatures were verified', () => {
    sign(documentAs(), 'shown.bin');
    const shown = documentOf(manifest('show', site.path('shown.bin')).stdout);
    expect(shown).to.include({ ok: true, signatures: 'notChecked' });
    expect(shown).to.have.nested.property('manifest.releases[0].components[0].digest', KERNEL_DIGEST);
    const key = site.path('manifest-public.pem');
    const verified = manifest('show', site.path('shown.bin'), '--public', key);
    expect(verified.status).to.equal(0);
    expect(documentOf(verified.stdout)).to.include({ ok: true, signatures: 'verified' });
  });

  it('exits 1 for a signature that does not count: another key, a changed byte, too few of them (F-30)', () => {
    sign(documentAs(), 'signed.bin');
    const bytes = readFileSync(site.path('signed.bin'));
    writeFileSync(site.path('changed.bin'), flipped(bytes, 8 * (bytes.indexOf('kernel.bin') + 1)));
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(site.path('other-key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    sign(documentAs(), 'other.bin', 'other-key.pem');
    const key = site.path('manifest-public.pem');
    const shown = [
      manifest('show', site.path('changed.bin'), '--public', key),
      manifest('show', site.path('other.bin'), '--public', key),
      manifest('show', site.path('signed.bin'), '--public', key, '--threshold', '2'),
      publish('other.bin'),
    ];
    for (const { status, stdout } of shown) {
      expect(status, stdout).to.equal(1);
      expect(stdout).to.include('reference.signature');
    }
  });

  it('publishes to a running verifier; the same again changes nothing, a lower sequence is refused (F-30)', () => {
    sign(documentAs({ model: 'model-2', sequence: 5 }), 'five.bin');
    sign(documentAs({ model: 'model-2', sequence: 4 }), 'four.bin');
    const first = publish('five.bin');
    expect(first.status, first.stdout).to.equal(0);
    expect(documentOf(first.stdout)).to.include({ model: 'model-2', sequence: 5, changed: true });
    expect(documentOf(publish('five.bin').stdout)).to.include({ sequence: 5, changed: false });
    const lower = publish('four.bin');
    expect(lower.status).to.equal(1);
    expect(documentOf(lower.stdout)).to.include({ ok: false, code: 'api.refused' });
    expect(documentOf(lower.stdout)['detail']).to.match(/^reference\.sequence: /);
  });

  it('exits 1 for a document that describes no manifest, and names the field', () => {
    const bad = [
      [documentAs({ sequence: 0 }), 'sequence'],
      [documentAs({ comment: 'x' }), 'comment'],
      ['{', 'JSON'],
    ] as const;
    for (const [text, named] of bad) {
      const { status, stdout } = sign(text, 'bad.bin');
      expect(status, named).to.equal(1);
      expect(documentOf(stdout)['code']).to.equal('reference.document');
      expect(documentOf(stdout)['detail']).to.include(named);
    }
  });

  it('shows nothing of a key that is none (F-77)', () => {
    const secret = site.text('api-token');
    const { status, stdout, stderr } = sign(documentAs(), 'no-key.bin', 'api-token');
    expect(status).to.equal(1);
    expect(documentOf(stdout)['code']).to.equal('reference.key');
    expect(stdout + stderr).not.to.include(secret);
  });

  it('exits 1 for bytes that are no manifest, 2 for a file that is not there or an option that does not fit', () => {
    const none = manifest('show', site.path('verifier.toml'));
    expect(none.status).to.equal(1);
    expect(documentOf(none.stdout)['ok']).to.equal(false);
    expect(manifest('show', site.path('absent.bin')).status).to.equal(2);
    expect(manifest('show', site.path('one.bin'), '--threshold', '9').status).to.equal(2);
    expect(manifest('sign', '--unknown').status).to.equal(2);
  });
});
