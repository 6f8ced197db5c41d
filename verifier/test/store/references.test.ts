import { encodeManifest, encodeSignedManifest, type Manifest } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { VerifierError } from '../../src/error.ts';
import { GroupCommit } from '../../src/store/group-commit.ts';
import {
  findList,
  forgetLists,
  keepList,
  type LoadedManifest,
  loadManifest,
  newestManifests,
  referenceRevision,
} from '../../src/store/references.ts';
import { bytes, enrolled, OPERATOR, type TemporaryStore, temporaryStore, trustedResult } from './fixture.ts';

function manifest(sequence: number, minimum = 1, changes: Partial<Manifest> = {}): Manifest {
  const components = [{ name: 'app.js', pcr: 4, digest: bytes(32, 1), phase: 'boot' as const }];
  const releases = [{ release: minimum, version: '1.0', components }];
  return { issuer: 'maker', model: 'model-1', sequence, minimum, releases, ...changes };
}

function signed(document: Manifest, signature = 1): Uint8Array {
  const signatures = [{ keyId: bytes(32, 9), algorithm: 'ed25519' as const, signature: bytes(64, signature) }];
  return encodeSignedManifest({ payload: encodeManifest(document), signatures });
}

describe('stored manifests', () => {
  let store: TemporaryStore;

  beforeEach(async () => {
    store = await temporaryStore();
  });

  afterEach(async () => {
    await store.remove();
  });

  function load(document: Manifest, body = signed(document), operator = OPERATOR): Promise<LoadedManifest> {
    return store.db.transaction().execute((tx) => loadManifest(tx, operator, { manifest: document, body }, 100));
  }

  async function refusal(document: Manifest, body?: Uint8Array): Promise<string> {
    try {
      await load(document, body);
    } catch (error) {
      if (error instanceof VerifierError) return error.code;
      throw error;
    }
    return 'loaded';
  }

  it('replace one another by sequence, and the revision rises with each', async () => {
    expect(await load(manifest(1))).to.deep.equal({ changed: true, revision: 1 });
    expect(await load(manifest(5, 2))).to.deep.equal({ changed: true, revision: 2 });
    expect(await load(manifest(1, 1, { model: 'model-2' }))).to.deep.equal({ changed: true, revision: 3 });
    const newest = await newestManifests(store.db, OPERATOR);
    expect(newest.map(({ model, sequence }) => `${model} ${sequence}`)).to.deep.equal(['model-1 5', 'model-2 1']);
    expect(newest[0]?.body).to.deep.equal(signed(manifest(5, 2)));
  });

  it('never give way to a lower sequence, a lower minimum or another document of the same sequence (F-30, invariant 4)', async () => {
    await load(manifest(5, 3));
    expect(await refusal(manifest(4, 3))).to.equal('reference.sequence');
    expect(await refusal(manifest(6, 2))).to.equal('reference.minimum');
    expect(await refusal(manifest(5, 4))).to.equal('reference.conflict');
    store = await store.reopen();
    expect(await refusal(manifest(4, 3))).to.equal('reference.sequence');
    expect(await referenceRevision(store.db, OPERATOR)).to.equal(1);
  });

  it('loaded once more change nothing, whoever signed them', async () => {
    await load(manifest(5));
    expect(await load(manifest(5))).to.deep.equal({ changed: false, revision: 1 });
    expect(await load(manifest(5), signed(manifest(5), 2))).to.deep.equal({ changed: false, revision: 1 });
  });

  it('of another issuer for the same model are refused (F-33)', async () => {
    await load(manifest(1));
    expect(await refusal(manifest(2, 1, { issuer: 'somebody' }))).to.equal('reference.issuer');
  });

  it('belong to one operator (F-92)', async () => {
    await load(manifest(5), undefined, 'operator-b');
    expect(await newestManifests(store.db, OPERATOR)).to.deep.equal([]);
    expect(await load(manifest(1))).to.deep.equal({ changed: true, revision: 1 });
  });

  it('component lists are kept once and found by digest', async () => {
    const digest = bytes(32, 3);
    expect(await findList(store.db, OPERATOR, digest)).to.equal(undefined);
    await keepList(store.db, OPERATOR, digest, bytes(5000, 4));
    await keepList(store.db, OPERATOR, digest, bytes(5000, 5));
    expect(await findList(store.db, OPERATOR, digest)).to.deep.equal(bytes(5000, 4));
    expect(await findList(store.db, 'operator-b', digest)).to.equal(undefined);
  });

  it('component lists that no terminal was accepted with are forgotten', async () => {
    const record = await enrolled(store.db, 't-1');
    await new GroupCommit(store.db, OPERATOR).commit(trustedResult(record, 3));
    for (const number of [3, 4]) await keepList(store.db, OPERATOR, bytes(32, number), bytes(5000, number));
    await keepList(store.db, 'operator-b', bytes(32, 4), bytes(5000, 4));
    expect(await forgetLists(store.db, OPERATOR)).to.equal(1);
    expect(await findList(store.db, OPERATOR, bytes(32, 3))).to.deep.equal(bytes(5000, 3));
    expect(await findList(store.db, OPERATOR, bytes(32, 4))).to.equal(undefined);
    expect(await findList(store.db, 'operator-b', bytes(32, 4))).to.deep.equal(bytes(5000, 4));
  });
});
