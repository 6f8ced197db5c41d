import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { parseEnrolmentToken } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { documentOf, type Ended, mtmVerifier } from './command.ts';
import { Site } from './site.ts';

const FOR = ['--terminal', 'terminal-1', '--class', 'software', '--model', 'model-1'];

describe('mtm-verifier token create', () => {
  let site: Site;
  before(async () => {
    site = await Site.prepare();
    await site.serve('log.level=debug');
  });
  after(() => site.remove());

  const create = (...options: readonly string[]): Ended =>
    mtmVerifier(['token', 'create', '--config', site.config, '--api', site.apiUrl, ...FOR, ...options]);

  it('prints the token alone, once', () => {
    const { status, stdout, stderr } = create();
    expect(status, stderr).to.equal(0);
    const token = parseEnrolmentToken(stdout.trim());
    expect(token.terminal).to.equal('terminal-1');
    expect(token.url).to.match(/^wss:\/\/localhost:\d+\/attest$/);
    expect(stderr).to.equal('');
  });

  it('writes it to a new file for its owner alone, and then does not print it (F-77)', () => {
    const file = site.path('new.token');
    const { status, stdout, stderr } = create('--out', file, '--json');
    expect(status, stderr).to.equal(0);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    const token = readFileSync(file, 'utf8').trim();
    expect(parseEnrolmentToken(token).terminal).to.equal('terminal-1');
    expect(stdout).not.to.include(token);
    expect(documentOf(stdout)).to.include({ terminal: 'terminal-1', file }).and.to.have.property('expiresAt');
  });

  it('replaces no file', () => {
    const file = site.path('kept.token');
    writeFileSync(file, 'kept');
    const { status, stdout } = create('--out', file, '--json');
    expect(status).to.equal(2);
    expect(documentOf(stdout)).to.include({ ok: false, code: 'file.unwritable' });
    expect(readFileSync(file, 'utf8')).to.equal('kept');
  });

  it('no token and no secret of the site stands in any line of the log (F-77)', () => {
    const { stdout } = create('--json');
    const { token } = documentOf(stdout);
    const secrets = [String(token), site.text('api-token'), ...site.text('server-key.pem').split('\n').slice(1, 3)];
    for (const secret of secrets) expect(site.daemon.said).not.to.include(secret);
  });

  it('exits 1 where the API refuses, and shows no token to say so (F-77)', () => {
    const wrong = site.path('wrong-token');
    writeFileSync(wrong, 'not-the-api-token');
    const { status, stdout, stderr } = create('--api-token', wrong, '--json');
    expect(status).to.equal(1);
    expect(documentOf(stdout)).to.include({ ok: false, code: 'api.refused' });
    expect(documentOf(stdout)['detail']).to.match(/^request\.unauthorized: /);
    expect(stdout + stderr).not.to.include('not-the-api-token');
  });

  it('exits 2 where nobody answers, or another verifier does', async () => {
    const nobody = create('--api', 'https://127.0.0.1:1', '--json');
    expect(nobody.status).to.equal(2);
    expect(documentOf(nobody.stdout)).to.include({ code: 'api.unreachable' });
    const other = await Site.prepare();
    try {
      const { status, stdout } = mtmVerifier([
        ...['token', 'create', '--config', other.config, '--api', site.apiUrl, '--json', ...FOR],
      ]);
      expect(status).to.equal(2);
      expect(documentOf(stdout)).to.include({ code: 'api.unreachable' });
      expect(site.daemon.said).not.to.include(other.text('api-token'));
    } finally {
      await other.remove();
    }
  });

  it('exits 2 for options that do not fit', () => {
    const bad = [['--class', 'hardware'], ['--terminal', 'Not An Id'], ['--unknown']];
    for (const options of bad) expect(create(...options).status, options.join(' ')).to.equal(2);
  });
});
