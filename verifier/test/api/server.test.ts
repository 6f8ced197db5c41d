import { expect } from 'chai';
import { sql } from 'kysely';
import { PROBLEM_TYPE, problemOf, statusOf } from '../../src/api/problem.ts';
import { API_ROUTES, apiDocument } from '../../src/api/server.ts';
import { explainCode, VERIFIER_CODES, type VerifierCode, VerifierError } from '../../src/error.ts';
import { enrolled } from '../store/fixture.ts';
import { API_TOKEN, TestApi } from './fixture.ts';

describe('the HTTP API', () => {
  let api: TestApi;

  beforeEach(async () => {
    api = await TestApi.start();
  });

  afterEach(async () => {
    await api.stop();
  });

  const CLOSED = API_ROUTES.filter(({ open }) => open !== true);

  for (const { method, path } of CLOSED) {
    it(`${method} ${path} asks for the token`, async () => {
      const url = path.replace(/\{\w+\}/g, 't-1');
      for (const authorization of [
        undefined,
        '',
        'Bearer',
        'Bearer wrong',
        `Basic ${API_TOKEN}`,
        `bearer ${API_TOKEN}`,
        `Bearer ${API_TOKEN} x`,
      ]) {
        const headers = authorization === undefined ? {} : { authorization };
        const { statusCode, headers: answered, body } = await api.app.inject({ method, url, headers });
        expect(statusCode, String(authorization)).to.equal(401);
        expect(answered['www-authenticate']).to.equal('Bearer');
        expect(JSON.parse(body)).to.include({ code: 'request.unauthorized' });
      }
    });
  }

  it('asks before it says whether an address is there', async () => {
    expect((await api.get('/v1/nothing', {})).status).to.equal(401);
    const { status, type, json } = await api.get('/v1/nothing');
    expect([status, type.split(';')[0]]).to.deep.equal([404, PROBLEM_TYPE]);
    expect(json).to.include({
      code: 'request.not-found',
      type: 'urn:mtm-attest:problem:request.not-found',
      status: 404,
    });
    expect(json).to.have.keys('type', 'title', 'status', 'code', 'next');
  });

  it('is alive at once, ready once started, and not while it drains or the store fails', async () => {
    expect(await api.get('/healthz', {})).to.include({ status: 200 });
    expect(await api.get('/readyz', {})).to.deep.include({ status: 503, json: { status: 'starting' } });
    api.health.started();
    expect(await api.get('/readyz', {})).to.deep.include({ status: 200, json: { status: 'ready' } });
    api.health.storeFailed();
    expect(await api.get('/readyz', {})).to.deep.include({ status: 503, json: { status: 'the store fails' } });
    api.health.storeWorks();
    api.health.draining();
    expect(await api.get('/readyz', {})).to.deep.include({ status: 503, json: { status: 'draining' } });
    expect(await api.get('/healthz', {})).to.include({ status: 200 });
  });

  it('tells its version and its metrics', async () => {
    const expected = { name: 'mtm-verifier', version: '1.2.3', protocol: 'mtm-attest.v1' };
    expect((await api.get('/version', {})).json).to.deep.equal(expected);
    const metrics = await api.get('/metrics');
    expect(metrics.type).to.match(/^text\/plain/);
    expect(metrics.text).to.contain('mtm_verifier_info{version="1.2.3"} 1');
  });

  it('answers are never cached nor guessed at', async () => {
    for (const url of ['/healthz', '/v1/terminals', '/v1/nothing']) {
      const { headers } = await api.get(url);
      expect(headers).to.include({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    }
  });

  it('refuses what is not JSON, too large, or of another type', async () => {
    const authorization = `Bearer ${API_TOKEN}`;
    const send = async (payload: string, type: string): Promise<readonly unknown[]> => {
      const headers = { authorization, 'content-type': type };
      const { statusCode, body } = await api.app.inject({ method: 'POST', url: '/v1/tokens', headers, payload });
      return [statusCode, (JSON.parse(body) as { readonly code: string }).code];
    };
    expect(await send('{', 'application/json')).to.deep.equal([400, 'request.invalid']);
    expect(await send('{"__proto__":{"terminal":"t-1"}}', 'application/json')).to.deep.equal([400, 'request.invalid']);
    expect(await send('terminal=1', 'text/plain')).to.deep.equal([400, 'request.invalid']);
    expect(await send('{}', 'application/xml')).to.deep.equal([415, 'request.invalid']);
    expect(await send(`"${'x'.repeat(70_000)}"`, 'application/json')).to.deep.equal([413, 'request.too-large']);
  });

  it('a defect is a malfunction that tells nothing of itself', async () => {
    await enrolled(api.store.db, 't-1');
    await sql`UPDATE terminals SET condemned = 'not JSON'`.execute(api.store.db);
    const { status, json, text } = await api.get('/v1/terminals/t-1');
    expect(status).to.equal(500);
    expect(json['code']).to.equal('store.value');
    expect(text).not.to.contain('not JSON');
    expect(api.errors).to.have.length(1);
    expect(problemOf(new TypeError('secret'))).to.deep.include({ status: 500, code: 'verifier.malfunction' });
    expect(JSON.stringify(problemOf(new TypeError('secret')))).not.to.contain('secret');
  });

  it('every code has a meaning, a next step and a status', () => {
    for (const code of Object.keys(VERIFIER_CODES) as VerifierCode[]) {
      const { meaning, next } = explainCode(code);
      expect(meaning.length, code).to.be.greaterThan(5);
      expect(next.length, code).to.be.greaterThan(5);
      expect(problemOf(new VerifierError(code))).to.include({ code, status: statusOf(code), title: meaning });
    }
  });
});

interface Operation {
  readonly operationId: string;
  readonly security: readonly unknown[];
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, unknown>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

describe('the OpenAPI document', () => {
  let api: TestApi;
  let document: Document;

  before(async () => {
    api = await TestApi.start();
    document = JSON.parse((await api.get('/openapi.json', {})).text) as Document;
  });

  after(async () => {
    await api.stop();
  });

  it('names every address that the server answers, and no other', async () => {
    await api.app.ready();
    const listed = api.app.printRoutes({ commonPrefix: false, includeHooks: false });
    const served = new Set<string>();
    const stack: string[] = [];
    for (const line of listed.split('\n')) {
      const match = /^((?:[│ ] {3})*)[├└]── (\S*) \(([A-Z, ]+)\)/.exec(line);
      if (match === null) continue;
      const depth = (match[1] ?? '').length / 4;
      stack.splice(depth);
      stack.push(match[2] ?? '');
      const path = stack.join('').replace(/:(\w+)/g, '{$1}');
      for (const method of (match[3] ?? '').split(', ')) if (method !== 'HEAD') served.add(`${method} ${path}`);
    }
    const told = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect([...served].sort()).to.deep.equal(told.sort());
    expect(told).to.have.length(API_ROUTES.length + 1);
  });

  it('is OpenAPI 3.1, each operation with its own id, its parameters and a problem', () => {
    expect(document.openapi).to.equal('3.1.0');
    const ids = new Set<string>();
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const { operationId, parameters, responses } of Object.values(operations)) {
        expect(ids.has(operationId), operationId).to.equal(false);
        ids.add(operationId);
        const inPath = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
        expect(inPath).to.deep.equal([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
        expect(responses).to.have.property('default');
      }
    }
  });

  it('refers to schemas that it holds, and holds none that it does not refer to', () => {
    const referred = new Set(
      [...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name),
    );
    expect([...referred].sort()).to.deep.equal(Object.keys(document.components.schemas).sort());
    expect(apiDocument('1.2.3')).to.deep.equal(JSON.parse(JSON.stringify(document)));
  });
});
