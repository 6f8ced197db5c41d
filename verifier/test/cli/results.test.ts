import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { TestApi } from '../api/fixture.ts';
import { signer } from '../ear/fixture.ts';
import { enrolled, stored, trustedResult, untrustedResult } from '../store/fixture.ts';
import { BackgroundVerifier, documentOf, type Ended, mtmVerifier } from './command.ts';
import { Site } from './site.ts';

describe('mtm-verifier results', () => {
  let site: Site;
  let api: TestApi;
  let url: string;

  before(async () => {
    site = await Site.prepare();
    const tls = { certificateChain: site.text('server-chain.pem'), key: site.text('server-key.pem') };
    api = await TestApi.start(tls, undefined, site.text('api-token'));
    url = await api.app.listen({ host: '127.0.0.1', port: 0 });
    const { db } = api.store;
    await api.group.commit(trustedResult(await enrolled(db, 't-1', 1), 1));
    await api.group.commit(untrustedResult(await enrolled(db, 't-2', 2), 2));
    await enrolled(db, 't-3', 3);
    expect((await stored(db, 't-2')).condemned?.codes).to.deep.equal(['component.digest']);
  });

  after(async () => {
    await api.stop();
    await site.remove();
  });

  /** In the background: the API that it asks lives in this process. */
  const run = (...options: readonly string[]): Promise<Ended> =>
    new BackgroundVerifier(['results', 'export', '--config', site.config, '--api', url, ...options]).ended();

  const verified = (token: string): Readonly<Record<string, unknown>> => {
    const file = site.path('result.jwt');
    writeFileSync(file, token);
    const { status, stdout, stderr } = mtmVerifier([
      ...['results', 'verify', '--ear', file, '--key', site.path('results-public.jwk'), '--json'],
    ]);
    expect(status, stdout + stderr).to.equal(0);
    return documentOf(stdout);
  };

  it('export signs what the verifier says of a terminal with the key that init made; verify reads it', async () => {
    const { status, stdout, stderr } = await run('--terminal', 't-1', '--nonce', '00112233445566778899aabbccddeeff');
    expect(status, stderr).to.equal(0);
    const read = verified(stdout);
    expect(read).to.deep.include({ ok: true, signature: 'verified', nonces: ['ABEiM0RVZneImaq7zN3u_w'] });
    expect(read['verifier']).to.deep.equal({ developer: 'mtm-attest', build: 'mtm-verifier 1.2.3' });
    expect(read['submods']).to.have.nested.property('t-1/mrtm.status', 'affirming');
    expect(read['submods']).to.have.nested.property('t-1/mrtm.vector').that.does.not.have.property('hardware');
  });

  it('export --all writes one EAR a line, each of one terminal, in the order of their ids', async () => {
    const file = site.path('all.jwt');
    const { status, stdout, stderr } = await run('--all', '--out', file, '--json');
    expect(status, stdout + stderr).to.equal(0);
    const listed = [
      { terminal: 't-1', status: 'affirming' },
      { terminal: 't-2', status: 'contraindicated' },
      { terminal: 't-3', status: 'none' },
    ];
    expect(documentOf(stdout)['results']).to.deep.equal(listed);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    const statuses = lines.map((line) =>
      Object.entries(verified(line)['submods'] as Record<string, { status: string }>),
    );
    expect(statuses.map((one) => one.map(([label, { status: tier }]) => `${label} ${tier}`))).to.deep.equal(
      listed.map(({ terminal, status: tier }) => [`${terminal}/mrtm ${tier}`]),
    );
  });

  it('export exits 1 for a terminal that is not there and for a key on another curve, 2 without either option', async () => {
    const unknown = await run('--terminal', 'nobody', '--json');
    expect([unknown.status, documentOf(unknown.stdout)['code']]).to.deep.equal([1, 'api.refused']);
    const wrong = site.path('p384.pem');
    writeFileSync(wrong, signer('P-384').privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const key = await run('--terminal', 't-1', '--key', wrong, '--json');
    expect([key.status, documentOf(key.stdout)['code']]).to.deep.equal([1, 'ear.key']);
    expect((await run('--json')).status).to.equal(2);
    expect((await run('--all', '--terminal', 't-1')).status).to.equal(2);
    expect((await run('--all', '--nonce', '00')).status).to.equal(2);
  });

  it('verify exits 1 under another key or after the end, and says when no signature was checked', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mtm-results-'));
    try {
      const file = join(directory, 'result.jwt');
      writeFileSync(file, (await run('--terminal', 't-1')).stdout);
      const otherKey = join(directory, 'other.jwk');
      writeFileSync(otherKey, signer().jwk);
      const verify = (...options: readonly string[]): Ended =>
        mtmVerifier(['results', 'verify', '--ear', file, ...options]);
      const other = verify('--key', otherKey, '--json');
      expect([other.status, documentOf(other.stdout)['code']]).to.deep.equal([1, 'ear.signature']);
      const late = verify('--key', site.path('results-public.jwk'), '--at', '2099-01-01T00:00:00Z', '--json');
      expect([late.status, documentOf(late.stdout)['code']]).to.deep.equal([1, 'ear.expired']);
      const unchecked = verify();
      expect(unchecked.status).to.equal(0);
      expect(unchecked.stdout)
        .to.match(/t-1\/mrtm: affirming/)
        .and.to.match(/Not checked: signature/);
      expect(verify('--at', 'yesterday').status).to.equal(2);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('init made a key pair for results', () => {
    const fromPrivate = createPublicKey(site.text('results-key.pem')).export({ format: 'jwk' });
    expect(JSON.parse(site.text('results-public.jwk'))).to.deep.equal(fromPrivate);
    expect(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })).not.to.deep.equal(
      fromPrivate,
    );
  });
});
