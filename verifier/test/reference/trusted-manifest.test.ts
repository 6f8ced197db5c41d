import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeSignedManifest, type Manifest, ProtocolError, parseSignedManifest } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { VerifierError } from '../../src/error.ts';
import { ReferenceValues } from '../../src/reference/reference-values.ts';
import { signManifest } from '../../src/reference/sign-manifest.ts';
import { verifyManifest } from '../../src/reference/trusted-manifest.ts';
import { loadTrustedSigners, signerOf, type TrustedSigners } from '../../src/reference/trusted-signers.ts';
import { GroupCommit } from '../../src/store/group-commit.ts';
import { bytes, OPERATOR, type TemporaryStore, temporaryStore } from '../store/fixture.ts';

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function manifest(sequence = 1): Manifest {
  const components = [{ name: 'app.js', pcr: 4, digest: bytes(32, 1), phase: 'boot' as const }];
  return {
    issuer: 'maker',
    model: 'model-1',
    sequence,
    minimum: 1,
    releases: [{ release: 1, version: '1.0', components }],
  };
}

const ed25519 = generateKeyPairSync('ed25519').privateKey;
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const stranger = generateKeyPairSync('ed25519').privateKey;

function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));
}

function trusting(threshold: number, ...keys: readonly KeyObject[]): TrustedSigners {
  const signers = keys.map((key) => signerOf(spkiOf(key)));
  return { signers: new Map(signers.map((signer) => [signer.keyId, signer])), threshold };
}

function outcome(body: Uint8Array, signers: TrustedSigners): string {
  try {
    verifyManifest(body, signers);
  } catch (error) {
    if (error instanceof VerifierError || error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'trusted';
}

describe('signed manifests', () => {
  it('signed by a trusted key of either kind are read from the very bytes that were verified (F-32)', () => {
    for (const key of [ed25519, p256]) {
      const body = signManifest(manifest(), [key]);
      expect(verifyManifest(body, trusting(1, ed25519, p256))).to.deep.equal({ manifest: manifest(), body });
    }
  });

  it('signed by nobody trusted are refused (F-35)', () => {
    expect(outcome(signManifest(manifest(), [stranger]), trusting(1, ed25519))).to.equal('reference.signature');
    expect(outcome(signManifest(manifest(), [ed25519]), trusting(1))).to.equal('reference.signature');
  });

  it('need as many different signers as the threshold says (F-37)', () => {
    const both = trusting(2, ed25519, p256);
    expect(outcome(signManifest(manifest(), [ed25519]), both)).to.equal('reference.signature');
    expect(outcome(signManifest(manifest(), [ed25519, ed25519]), both)).to.equal('reference.signature');
    expect(outcome(signManifest(manifest(), [ed25519, stranger]), both)).to.equal('reference.signature');
    expect(outcome(signManifest(manifest(), [ed25519, p256]), both)).to.equal('trusted');
    expect(outcome(signManifest(manifest(), [stranger]), trusting(0))).to.equal('reference.signature');
  });

  it('with one flipped bit anywhere never verify', () => {
    const body = signManifest(manifest(), [ed25519]);
    for (let i = 0; i < body.length; i++) {
      const altered = body.slice();
      altered[i] = (altered[i] ?? 0) ^ (1 << (i % 8));
      expect(outcome(altered, trusting(1, ed25519)), `byte ${i}`).not.to.equal('trusted');
    }
  });

  it('name the algorithm of their key, or do not count (F-17)', () => {
    const { payload, signatures } = parseSignedManifest(signManifest(manifest(), [ed25519]));
    const relabelled = signatures.map((one) => ({ ...one, algorithm: 'ecdsa-p256' as const }));
    expect(outcome(encodeSignedManifest({ payload, signatures: relabelled }), trusting(1, ed25519))).to.equal(
      'reference.signature',
    );
  });

  it('have one form of an ECDSA signature: the one with the high s is refused', () => {
    const { payload, signatures } = parseSignedManifest(signManifest(manifest(), [p256]));
    const high = signatures.map((one) => {
      const s = BigInt(`0x${Buffer.from(one.signature.subarray(32)).toString('hex')}`);
      expect(2n * s <= P256_ORDER).to.equal(true);
      const other = Buffer.from((P256_ORDER - s).toString(16).padStart(64, '0'), 'hex');
      return { ...one, signature: new Uint8Array([...one.signature.subarray(0, 32), ...other]) };
    });
    expect(outcome(encodeSignedManifest({ payload, signatures: high }), trusting(1, p256))).to.equal(
      'reference.signature',
    );
  });

  it('that nobody could read again are not signed', () => {
    expect(() => signManifest({ ...manifest(), sequence: 0 }, [ed25519]))
      .to.throw(ProtocolError)
      .with.property('code', 'manifest.malformed');
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    expect(() => signManifest(manifest(), [rsa]))
      .to.throw(VerifierError)
      .with.property('code', 'reference.key');
  });

  it('signers come from PEM files of the two kinds of keys only', () => {
    const directory = mkdtempSync(join(tmpdir(), 'mtm-signers-'));
    const write = (name: string, key: KeyObject): string => {
      const path = join(directory, name);
      writeFileSync(path, key.export({ type: 'spki', format: 'pem' }));
      return path;
    };
    const good = write('a.pem', createPublicKey(ed25519));
    const p384 = write('b.pem', generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey);
    const text = join(directory, 'c.pem');
    writeFileSync(text, 'nothing');
    expect([...loadTrustedSigners([good], 1).signers.keys()]).to.deep.equal([...trusting(1, ed25519).signers.keys()]);
    for (const [file, code] of [
      [p384, 'reference.key'],
      [text, 'reference.key'],
      [join(directory, 'absent'), 'config.unreadable'],
    ]) {
      expect(() => loadTrustedSigners([file ?? ''], 1), file)
        .to.throw(VerifierError)
        .with.property('code', code);
    }
    rmSync(directory, { recursive: true });
  });
});

describe('Reference Values in force', () => {
  let store: TemporaryStore;
  let warnings: unknown[];

  beforeEach(async () => {
    store = await temporaryStore();
    warnings = [];
  });

  afterEach(async () => {
    await store.remove();
  });

  function values(signers: TrustedSigners): ReferenceValues {
    const warn = (fields: unknown): number => warnings.push(fields);
    const log = { info: () => undefined, warn, error: () => undefined };
    return new ReferenceValues(store.db, OPERATOR, new GroupCommit(store.db, OPERATOR), signers, log);
  }

  it('are those of the newest manifest, at once and after a restart', async () => {
    const references = values(trusting(1, ed25519));
    expect(references.find('model-1')).to.equal(undefined);
    const body = signManifest(manifest(3), [ed25519]);
    expect(await references.publish(body, 5)).to.deep.equal({ changed: true, revision: 1, manifest: manifest(3) });
    expect(references.revision).to.equal(1);
    store = await store.reopen();
    const again = values(trusting(1, ed25519));
    await again.load();
    expect(again.revision).to.equal(1);
    const found = again.find('model-1');
    expect(found).to.include({ sequence: 3, minimum: 1, revision: 1, issuer: 'maker' });
    expect(found?.releases.get(1)?.components.get('app.js')?.digest).to.deep.equal(bytes(32, 1));
  });

  it('are those of another process once they are asked for again, and signers change with them or not at all', async () => {
    const mine = values(trusting(1, ed25519));
    const theirs = values(trusting(1, ed25519));
    await mine.publish(signManifest(manifest(3), [ed25519]), 5);
    expect(theirs.find('model-1')).to.equal(undefined);
    await theirs.refresh();
    expect(theirs.find('model-1')?.sequence).to.equal(3);
    await store.db.schema.alterTable('manifests').renameTo('away').execute();
    const failed = await mine.load(trusting(1, p256)).then(
      () => false,
      () => true,
    );
    expect(failed).to.equal(true);
    await store.db.schema.alterTable('away').renameTo('manifests').execute();
    expect((await mine.publish(signManifest(manifest(4), [ed25519]), 6)).changed).to.equal(true);
  });

  it('a manifest that is refused is logged and changes nothing', async () => {
    const references = values(trusting(1, ed25519));
    await references.publish(signManifest(manifest(3), [ed25519]), 5);
    for (const [body, code] of [
      [signManifest(manifest(2), [ed25519]), 'reference.sequence'],
      [signManifest(manifest(4), [stranger]), 'reference.signature'],
    ] as const) {
      let refused = '';
      try {
        await references.publish(body, 6);
      } catch (error) {
        if (error instanceof VerifierError) refused = error.code;
      }
      expect(refused).to.equal(code);
    }
    const told = warnings.map((fields) => (fields as { readonly code?: unknown }).code);
    expect(told).to.deep.equal(['reference.sequence', 'reference.signature']);
    expect(references.find('model-1')?.sequence).to.equal(3);
    expect(references.revision).to.equal(1);
  });

  it('a stored manifest that was altered, or whose signer is trusted no more, is not in force (F-87)', async () => {
    const references = values(trusting(1, ed25519));
    await references.publish(signManifest(manifest(3), [ed25519]), 5);
    await references.load(trusting(1, p256));
    expect(references.find('model-1')).to.equal(undefined);
    expect(warnings).to.deep.equal([{ model: 'model-1', code: 'reference.signature' }]);
    await references.load(trusting(1, ed25519));
    expect(references.find('model-1')?.sequence).to.equal(3);
    const body = signManifest(manifest(3), [stranger]);
    await store.db.updateTable('manifests').set({ body }).execute();
    await references.load();
    expect(references.find('model-1')).to.equal(undefined);
  });
});
