import { createHash } from 'node:crypto';
import { type Manifest, parseEnrolmentToken, toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { API_SCHEMAS } from '../../src/api/schemas.ts';
import { leafHash } from '../../src/ledger/tree.ts';
import { signManifest } from '../../src/reference/sign-manifest.ts';
import { raiseAlarm } from '../../src/store/alarms.ts';
import { recordVerdictChanges } from '../../src/store/liveness.ts';
import { findToken } from '../../src/store/tokens.ts';
import { bytes, enrolled, OPERATOR, stored, trustedResult, untrustedResult } from '../store/fixture.ts';
import { manifestKey, TestApi } from './fixture.ts';
import { expectSchema } from './schema-check.ts';

function manifest(sequence: number): Manifest {
  const components = [{ name: 'app.js', pcr: 4, digest: bytes(32, 1), phase: 'boot' as const }];
  return {
    issuer: 'maker',
    model: 'model-1',
    sequence,
    minimum: 1,
    releases: [{ release: 1, version: '1.0', components }],
  };
}

describe('addresses of the API', () => {
  let api: TestApi;

  beforeEach(async () => {
    api = await TestApi.start();
  });

  afterEach(async () => {
    await api.stop();
  });

  describe('/v1/terminals', () => {
    it('lists terminals with their verdicts now, page by page', async () => {
      for (let i = 0; i < 5; i++) await enrolled(api.store.db, `t-${i}`, i);
      await enrolled(api.store.db, 'theirs', 9, 'operator-b');
      const ids: unknown[] = [];
      let cursor = '';
      for (let pages = 0; pages < 10; pages++) {
        const { json, status } = await api.get(`/v1/terminals?limit=2${cursor}`);
        expect(status).to.equal(200);
        expectSchema(API_SCHEMAS.TerminalPage, json);
        const terminals = json['terminals'] as readonly Record<string, unknown>[];
        ids.push(...terminals.map(({ terminal, verdict }) => `${String(terminal)} ${String(verdict)}`));
        if (json['next'] === null) break;
        cursor = `&cursor=${JSON.stringify(json['next']).slice(1, -1)}`;
      }
      expect(ids).to.deep.equal([0, 1, 2, 3, 4].map((i) => `t-${i} unknown`));
    });

    it('shows one: why it is not trusted, and what to do', async () => {
      const record = await enrolled(api.store.db, 't-1');
      expect((await api.get('/v1/terminals/t-1')).json).to.deep.include({
        verdict: 'unknown',
        connected: false,
        boot: null,
      });
      await api.group.commit(trustedResult(record, 1));
      api.connected.add('t-1');
      const trusted = await api.get('/v1/terminals/t-1');
      expectSchema(API_SCHEMAS.Terminal, trusted.json);
      expect(trusted.json).to.deep.include({
        terminal: 't-1',
        verdict: 'trusted',
        reasons: [],
        admission: 'admitted',
        connected: true,
        lastAffirmedAt: 10_001,
        boot: { resetCount: 3, restartCount: 1, release: 2, events: 101 },
      });
      await api.group.commit(untrustedResult(await stored(api.store.db, 't-1'), 2));
      await api.group.commit(trustedResult(await stored(api.store.db, 't-1'), 3));
      const { json } = await api.get('/v1/terminals/t-1');
      expectSchema(API_SCHEMAS.Terminal, json);
      const [reason] = json['reasons'] as readonly Record<string, string>[];
      expect(json['verdict']).to.equal('untrusted');
      expect(reason).to.include({ code: 'component.digest' });
      expect(reason?.['detail'], 'the finding, from the result that condemned').to.contain('lib/x.js differs');
      expect(reason?.['next']).to.contain('Restore');
    });

    it('shows beside which endorsement key a terminal was proven, and null where its class proves none', async () => {
      await enrolled(api.store.db, 't-1');
      expect((await api.get('/v1/terminals/t-1')).json).to.include({ ekName: null });
      await api.store.db
        .updateTable('terminals')
        .set({ ek_name: bytes(34, 3) })
        .execute();
      const { json } = await api.get('/v1/terminals/t-1');
      expectSchema(API_SCHEMAS.Terminal, json);
      expect(json).to.include({ ekName: toHex(bytes(34, 3)) });
    });

    it('the verdict follows the clock, not the row', async () => {
      const record = await enrolled(api.store.db, 't-1');
      await api.group.commit(trustedResult(record, 1));
      api.now = 10_001 + 60_001;
      const { json } = await api.get('/v1/terminals/t-1');
      expect(json).to.deep.include({ verdict: 'unreachable' });
      expect(json['reasons']).to.have.nested.property('[0].code', 'connection.lost');
    });

    it('says so of a terminal that is not there, or of another operator (F-92)', async () => {
      await enrolled(api.store.db, 'theirs', 9, 'operator-b');
      for (const id of ['nobody', 'theirs', '%00', 'A', '..%2f..%2fetc', `${'x'.repeat(65)}`, "'%20OR%201=1"]) {
        const { status, json } = await api.get(`/v1/terminals/${id}`);
        expect([status, json['code']], id).to.deep.equal([404, 'terminal.unknown']);
      }
      for (const path of ['/history', '/explain'])
        expect((await api.get(`/v1/terminals/theirs${path}`)).status).to.equal(404);
      for (const path of ['/audit', '/resolve'])
        expect((await api.post(`/v1/terminals/theirs${path}`)).status).to.equal(404);
    });

    it('refuses pages of no size and places that are none', async () => {
      await enrolled(api.store.db, 't-1');
      for (const url of [
        '/v1/terminals?limit=0',
        '/v1/terminals?limit=1001',
        '/v1/terminals?limit=1e2',
        '/v1/terminals?limit=1&limit=2',
        '/v1/terminals?cursor=Ä',
        '/v1/terminals?colour=blue',
        '/v1/terminals/t-1/history?cursor=1.2.3',
        '/v1/terminals/t-1/history?cursor=99999999999999999.0.1',
        '/v1/alarms?cursor=-1',
      ]) {
        const { status, json } = await api.get(url);
        expect([status, json['code']], url).to.deep.equal([400, 'request.invalid']);
      }
    });

    it('gives the whole history, results and changes of time, page by page', async () => {
      const record = await enrolled(api.store.db, 't-1');
      await recordVerdictChanges(api.store.db, OPERATOR, 9000, () => ({
        verdict: 'unknown',
        codes: ['enrolment.fresh'],
      }));
      await api.group.commit(trustedResult(record, 1));
      await recordVerdictChanges(api.store.db, OPERATOR, 10_001, () => ({
        verdict: 'stale',
        codes: ['challenge.unanswered'],
      }));
      await api.group.commit(untrustedResult(await stored(api.store.db, 't-1'), 2));
      const decisions: unknown[] = [];
      let cursor = '';
      for (let pages = 0; pages < 10; pages++) {
        const { json } = await api.get(`/v1/terminals/t-1/history?limit=1${cursor}`);
        expectSchema(API_SCHEMAS.HistoryPage, json);
        decisions.push(...(json['history'] as readonly unknown[]));
        if (json['next'] === null) break;
        cursor = `&cursor=${JSON.stringify(json['next']).slice(1, -1)}`;
      }
      expect(decisions).to.deep.equal([
        { at: 9000, verdict: 'unknown', code: 'enrolment.fresh', codes: ['enrolment.fresh'] },
        {
          at: 10_001,
          verdict: 'trusted',
          code: null,
          codes: [],
          challengedAt: 9991,
          purpose: 'runtime',
          ledgerIndex: 0,
        },
        { at: 10_001, verdict: 'stale', code: 'challenge.unanswered', codes: ['challenge.unanswered'] },
        {
          at: 10_002,
          verdict: 'untrusted',
          code: 'component.digest',
          codes: ['component.digest'],
          challengedAt: 9992,
          purpose: 'runtime',
          ledgerIndex: 1,
        },
      ]);
    });

    it('explains the newest result', async () => {
      const record = await enrolled(api.store.db, 't-1');
      const before = await api.get('/v1/terminals/t-1/explain');
      expectSchema(API_SCHEMAS.Explanation, before.json);
      expect(before.json['result']).to.equal(null);
      const result = untrustedResult(record, 1);
      await api.group.commit(result);
      const { json } = await api.get('/v1/terminals/t-1/explain');
      expectSchema(API_SCHEMAS.Explanation, json);
      expect(json['result']).to.deep.include({ ledgerIndex: 0, verdict: 'untrusted', findings: result.explanation });
    });

    it('audits a connected terminal now, and says where it is not connected', async () => {
      await enrolled(api.store.db, 't-1');
      expect(await api.post('/v1/terminals/t-1/audit')).to.deep.include({ status: 409 });
      api.connected.add('t-1');
      expect(await api.post('/v1/terminals/t-1/audit')).to.deep.include({ status: 202, json: { terminal: 't-1' } });
      expect(await api.post('/v1/terminals/nobody/audit')).to.deep.include({ status: 404 });
      expect(api.audited).to.deep.equal(['t-1']);
    });

    it('resolves a reused token, once', async () => {
      await enrolled(api.store.db, 't-1');
      await api.store.db.updateTable('terminals').set({ unknown_code: 'enrolment.token-reused' }).execute();
      expect((await api.get('/v1/terminals/t-1')).json).to.have.nested.property(
        'reasons[0].code',
        'enrolment.token-reused',
      );
      const resolved = await api.post('/v1/terminals/t-1/resolve');
      expect(resolved.status).to.equal(200);
      expect(resolved.json).to.have.nested.property('reasons[0].code', 'enrolment.fresh');
      const again = await api.post('/v1/terminals/t-1/resolve');
      expect([again.status, again.json['code']]).to.deep.equal([409, 'terminal.nothing-open']);
    });
  });

  describe('/v1/tokens', () => {
    it('makes a token that names this verifier, and keeps only its digest (invariant 1)', async () => {
      const { status, json } = await api.post('/v1/tokens', { terminal: 't-1', class: 'software', model: 'model-1' });
      expect(status).to.equal(201);
      expectSchema(API_SCHEMAS.Token, json);
      const token = parseEnrolmentToken(String(json['token']));
      expect(token).to.deep.equal({
        url: 'wss://verifier.example:8443/attest',
        rootDigest: bytes(32, 5),
        terminal: 't-1',
        class: 'software',
        secret: bytes(32, 77),
      });
      const hash = new Uint8Array(createHash('sha256').update(token.secret).digest());
      expect(await findToken(api.store.db, OPERATOR, hash, 12_000)).to.include({ terminal: 't-1', model: 'model-1' });
      expect(await findToken(api.store.db, OPERATOR, hash, 12_001)).to.equal(undefined);
      const rows = await api.store.db.selectFrom('tokens').selectAll().execute();
      expect(JSON.stringify(rows.map((row) => Object.values(row).map(String)))).not.to.contain(String(bytes(32, 77)));
    });

    it('makes none that enrols nobody: no root of endorsement certificates is known (F-07)', async () => {
      const wanted = { terminal: 't-1', model: 'model-1' };
      const { status, json } = await api.post('/v1/tokens', { ...wanted, class: 'tpm-endorsed' });
      expect([status, json['code']]).to.deep.equal([422, 'token.class']);
      expect(json['next']).to.contain('tpm-unproven');
      expect(await api.store.db.selectFrom('tokens').selectAll().execute()).to.deep.equal([]);
      expect((await api.post('/v1/tokens', { ...wanted, class: 'tpm-unproven' })).status).to.equal(201);
    });

    it('refuses ids, classes and fields that are none', async () => {
      const good = { terminal: 't-1', class: 'software', model: 'model-1' };
      for (const change of [
        { terminal: 'T 1' },
        { terminal: 5 },
        { class: 'hardware' },
        { model: '' },
        { colour: 'blue' },
      ]) {
        const { status, json } = await api.post('/v1/tokens', { ...good, ...change });
        expect([status, json['code']], JSON.stringify(change)).to.deep.equal([400, 'request.invalid']);
      }
      expect(await api.store.db.selectFrom('tokens').selectAll().execute()).to.deep.equal([]);
    });
  });

  it('/v1/ledger/{index} shows a leaf and what it is taken over, in this operator’s ledger only', async () => {
    const record = await enrolled(api.store.db, 't-1');
    const item = trustedResult(record, 1);
    await api.group.commit(item);
    const { status, json } = await api.get('/v1/ledger/0');
    expect(status).to.equal(200);
    expectSchema(API_SCHEMAS.Leaf, json);
    const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');
    expect(json).to.deep.equal({ index: 0, leafHash: hex(leafHash(item.body)), body: hex(item.body) });
    expect((await api.get('/v1/ledger/1')).status).to.equal(404);
    for (const index of ['-1', '1.0', 'x', '01', '9'.repeat(30)])
      expect((await api.get(`/v1/ledger/${index}`)).status).to.equal(400);
  });

  it('/v1/alarms lists what the operator must be told, newest first', async () => {
    for (let i = 0; i < 3; i++) {
      const alarm = { code: 'connection.unproven', terminal: `t-${i}`, detail: 'from 127.0.0.1', at: i };
      await api.store.db.transaction().execute((tx) => raiseAlarm(tx, OPERATOR, alarm));
    }
    const first = await api.get('/v1/alarms?limit=2');
    expectSchema(API_SCHEMAS.AlarmPage, first.json);
    expect(first.json['alarms']).to.have.nested.property('[0].terminal', 't-2');
    const second = await api.get(`/v1/alarms?limit=2&cursor=${String(first.json['next'])}`);
    expect(second.json['alarms']).to.have.length(1);
    expect(second.json['next']).to.equal(null);
  });

  describe('/v1/manifests', () => {
    it('publishes a signed manifest, which is in force then', async () => {
      const body = signManifest(manifest(3), [manifestKey]);
      const published = await api.post('/v1/manifests', body);
      expect(published.status).to.equal(201);
      expectSchema(API_SCHEMAS.PublishedManifest, published.json);
      expect(api.services.references.find('model-1')?.sequence).to.equal(3);
      expect((await api.post('/v1/manifests', body)).status).to.equal(200);
      const { json } = await api.get('/v1/manifests');
      expectSchema(API_SCHEMAS.ManifestList, json);
      expect(json['revision']).to.equal(1);
      expect(json['manifests']).to.deep.equal([
        {
          issuer: 'maker',
          model: 'model-1',
          sequence: 3,
          minimum: 1,
          releases: [1],
          digest: createHash('sha256').update(body).digest('hex'),
          loadedAt: 11_000,
          inForce: true,
        },
      ]);
      const lower = await api.post('/v1/manifests', signManifest(manifest(2), [manifestKey]));
      expect([lower.status, lower.json['code']]).to.deep.equal([409, 'reference.sequence']);
    });

    it('refuses what is unsigned, malformed, or no bytes', async () => {
      const { generateKeyPairSync } = await import('node:crypto');
      const unsigned = await api.post(
        '/v1/manifests',
        signManifest(manifest(3), [generateKeyPairSync('ed25519').privateKey]),
      );
      expect([unsigned.status, unsigned.json['code']]).to.deep.equal([422, 'reference.signature']);
      const malformed = await api.post('/v1/manifests', new Uint8Array([0x92, 1, 2]));
      expect([malformed.status, malformed.json['code']]).to.deep.equal([422, 'manifest.malformed']);
      const json = await api.post('/v1/manifests', { manifest: 1 });
      expect([json.status, json.json['code']]).to.deep.equal([400, 'request.invalid']);
      const large = await api.post('/v1/manifests', new Uint8Array(1_048_577));
      expect([large.status, large.json['code']]).to.deep.equal([413, 'request.too-large']);
    });
  });
});
