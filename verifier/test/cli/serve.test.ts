import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { SUBPROTOCOL } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { documentOf, mtmVerifier } from './command.ts';
import { Site } from './site.ts';

describe('mtm-verifier serve', () => {
  let site: Site;
  beforeEach(async () => {
    site = await Site.prepare();
  });
  afterEach(() => site.remove());

  const checkConfig = (...options: readonly string[]) =>
    mtmVerifier(['serve', '--config', site.config, '--check-config', '--json', ...options]);

  function append(lines: string): void {
    writeFileSync(site.config, `${readFileSync(site.config, 'utf8')}${lines}\n`);
  }

  describe('--check-config', () => {
    it('exits 0 where the configuration and the files it names hold, without a store or a socket', () => {
      expect(checkConfig().status).to.equal(0);
      expect(() => statSync(site.path('verifier.db'))).to.throw();
    });

    it('exits 1 for an unknown key, and names it, wherever it stands', () => {
      const variable = mtmVerifier(['serve', '--config', site.config, '--check-config', '--json'], {
        MTM_VERIFIER_AUDIT_INTERVAL: '5',
      });
      append('[audit]\nintervall = 5');
      const told = [
        [checkConfig(), 'audit.intervall'],
        [checkConfig('--set', 'audit.pace=5'), 'audit.pace'],
        [variable, 'MTM_VERIFIER_AUDIT_INTERVAL'],
      ] as const;
      for (const [{ status, stdout }, name] of told) {
        const { code, detail } = documentOf(stdout);
        expect(status, name).to.equal(1);
        expect(code).to.equal('config.invalid');
        expect(detail).to.include(`${name}: no such key`);
      }
    });

    it('exits 1 for a value out of bounds, a file that is no TOML, and a key that is not that of the certificate', () => {
      expect(documentOf(checkConfig('--set', 'audit.intervalMs=1').stdout)['detail']).to.match(/^audit\.intervalMs: /);
      expect(checkConfig('--set', 'tls.keyFile=root-key.pem').status).to.equal(1);
      append('no toml');
      expect(documentOf(checkConfig().stdout)).to.include({ ok: false, code: 'config.invalid' });
    });

    it('exits 2 for a file that cannot be read', () => {
      expect(documentOf(checkConfig('--set', 'tls.keyFile=absent.pem').stdout)).to.include({
        code: 'config.unreadable',
      });
      expect(mtmVerifier(['serve', '--config', site.path('absent.toml'), '--check-config']).status).to.equal(2);
    });

    it('tells no content of a file that is not what it should be (F-77)', () => {
      const secret = site.text('api-token');
      writeFileSync(site.path('api-token.sha256'), secret);
      for (const options of [[], ['--set', 'tls.keyFile=api-token'], ['--set', 'tls.chainFile=server-key.pem']]) {
        const { status, stdout, stderr } = checkConfig(...options);
        expect(status, options.join(' ')).to.equal(1);
        expect(stdout + stderr).not.to.include(secret);
        expect(stdout + stderr).not.to.include(site.text('server-key.pem').split('\n')[1]);
      }
    });
  });

  it('exits 2 without --config, and for an unknown option', () => {
    expect(mtmVerifier(['serve']).status).to.equal(2);
    expect(mtmVerifier(['serve', '--config', site.config, '--verbose']).status).to.equal(2);
  });

  it('exits 1 where the daemon cannot start for its configuration, before a socket is open', () => {
    const { status, stdout } = mtmVerifier(['serve', '--config', site.config, '--json', '--set', 'listen.port=99999']);
    expect(status).to.equal(1);
    expect(documentOf(stdout)).to.include({ ok: false, code: 'config.invalid' });
  });

  describe('the daemon', () => {
    beforeEach(() => site.serve('log.level=debug'));

    it('answers probes to anybody, and metrics to whoever has the token', async () => {
      expect(await site.get('/healthz')).to.deep.equal({ status: 200, text: '{"status":"alive"}' });
      expect(await site.get('/readyz')).to.deep.equal({ status: 200, text: '{"status":"ready"}' });
      const version = JSON.parse((await site.get('/version')).text) as Record<string, string>;
      expect(version).to.include({ name: 'mtm-verifier', protocol: SUBPROTOCOL });
      expect((await site.get('/metrics')).status).to.equal(401);
      expect((await site.get('/metrics', { authorization: 'Bearer wrong' })).status).to.equal(401);
      const metrics = await site.get('/metrics', site.bearer());
      expect(metrics.status).to.equal(200);
      expect(metrics.text).to.include('mtm_verifier_connections 0').and.to.include('process_cpu_seconds_total');
    });

    it('drains on SIGTERM and exits 143; its store is for its owner alone', async () => {
      expect(statSync(site.path('verifier.db')).mode & 0o777).to.equal(0o600);
      site.daemon.signal('SIGTERM');
      const { status, stderr } = await site.daemon.ended();
      expect(status).to.equal(143);
      const said = stderr.trimEnd().split('\n').map(documentOf);
      expect(said.find(({ msg }) => msg === 'draining')).to.include({ signal: 'SIGTERM' });
      expect(said.at(-1)).to.include({ msg: 'stopped', end: 'drained' });
    });

    it('exits 130 after SIGINT', async () => {
      site.daemon.signal('SIGINT');
      expect((await site.daemon.ended()).status).to.equal(130);
    });

    it('says nothing on standard output but where it listens, and every line of its log is JSON', async () => {
      await site.get('/v1/terminals', { authorization: 'Bearer wrong' });
      site.daemon.signal('SIGTERM');
      const { stdout, stderr } = await site.daemon.ended();
      expect(documentOf(stdout)).to.have.all.keys('ok', 'listenUrl', 'apiUrl');
      for (const line of stderr.trimEnd().split('\n')) expect(documentOf(line)).to.include.keys('level', 'time', 'msg');
    });

    it('goes on with what it had where a reload fails', async () => {
      chmodSync(site.path('server-chain.pem'), 0o600);
      const chain = site.text('server-chain.pem');
      writeFileSync(site.path('server-chain.pem'), 'no certificate');
      site.daemon.signal('SIGHUP');
      while (!site.daemon.said.includes('reload failed')) await new Promise((resolve) => setImmediate(resolve));
      writeFileSync(site.path('server-chain.pem'), chain);
      expect((await site.get('/healthz')).status).to.equal(200);
      site.daemon.signal('SIGHUP');
      while (!site.daemon.said.includes('"reloaded"')) await new Promise((resolve) => setImmediate(resolve));
      expect((await site.get('/healthz')).status).to.equal(200);
    });
  });
});
