import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import { sql } from 'kysely';
import { Health } from '../../src/daemon/health.ts';
import { createLog } from '../../src/daemon/log.ts';
import { Metrics } from '../../src/daemon/metrics.ts';
import { storeObserver } from '../../src/daemon/store-observer.ts';
import { VerifierError } from '../../src/error.ts';
import { ReferenceValues } from '../../src/reference/reference-values.ts';
import { signManifest } from '../../src/reference/sign-manifest.ts';
import { signerOf } from '../../src/reference/trusted-signers.ts';
import { GroupCommit } from '../../src/store/group-commit.ts';
import { bytes, OPERATOR, type TemporaryStore, temporaryStore } from '../store/fixture.ts';

describe('readiness', () => {
  const key = generateKeyPairSync('ed25519').privateKey;
  let store: TemporaryStore;
  let health: Health;
  let metrics: Metrics;
  let group: GroupCommit;
  let references: ReferenceValues;

  beforeEach(async () => {
    store = await temporaryStore();
    health = new Health();
    health.started();
    metrics = new Metrics('1');
    const log = createLog('silent');
    group = new GroupCommit(store.db, OPERATOR, { observer: storeObserver(health, metrics, log) });
    const signer = signerOf(new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' })));
    const signers = { signers: new Map([[signer.keyId, signer]]), threshold: 1 };
    references = new ReferenceValues(store.db, OPERATOR, group, signers, log);
  });

  afterEach(() => store.remove());

  function manifest(sequence: number): Uint8Array {
    const components = [{ name: 'app.js', pcr: 4, digest: bytes(32, sequence), phase: 'boot' as const }];
    const releases = [{ release: 1, version: '1.0', components }];
    return signManifest({ issuer: 'maker', model: 'model-1', sequence, minimum: 1, releases }, [key]);
  }

  async function codeOf(work: Promise<unknown>): Promise<unknown> {
    return await work.then(
      () => undefined,
      (error: unknown) => (error instanceof VerifierError ? error.code : error),
    );
  }

  it('is not taken by a manifest that is refused, alone or beside others, while a good one is in force (F-30)', async () => {
    await references.publish(manifest(5), 1);
    expect(await codeOf(references.publish(manifest(4), 2))).to.equal('reference.sequence');
    expect(health.readiness).to.deep.equal({ ready: true, reason: 'ready' });
    const older = [3, 2].map((sequence) => codeOf(references.publish(manifest(sequence), 3)));
    expect(await Promise.all(older)).to.deep.equal(['reference.sequence', 'reference.sequence']);
    expect(health.readiness).to.deep.equal({ ready: true, reason: 'ready' });
    expect(references.find('model-1')?.sequence).to.equal(5);
    expect(await metrics.text()).to.contain('mtm_verifier_store_failures_total 0\n');
  });

  it('does not need a Reference Value: without one the daemon serves, and is where it is published', async () => {
    await references.load();
    expect(references.find('model-1')).to.equal(undefined);
    expect(health.readiness.ready).to.equal(true);
  });

  it('is taken by a transaction that the store fails, and given back by the next that it takes', async () => {
    const broken = group.change('', async (tx) => {
      await sql`INSERT INTO nowhere VALUES (1)`.execute(tx);
    });
    expect(await codeOf(broken)).to.equal('store.failed');
    expect(health.readiness).to.deep.equal({ ready: false, reason: 'the store fails' });
    expect(await codeOf(references.publish(manifest(1), 1))).to.equal(undefined);
    expect(health.readiness.ready).to.equal(true);
    expect(await metrics.text()).to.contain('mtm_verifier_store_failures_total 1\n');
  });
});
