import { encodeCanonical, type Manifest, ProtocolError, type Release, writePlatform } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import type { ModelReference } from '../appraisal/input.ts';
import type { EndpointLog } from '../endpoint/services.ts';
import { VerifierError } from '../error.ts';
import type { GroupCommit } from '../store/group-commit.ts';
import type { Database } from '../store/open.ts';
import { type LoadedManifest, loadManifest, newestManifests, referenceRevision } from '../store/references.ts';
import { platformAllowed } from './platform-allowed.ts';
import { verifyManifest } from './trusted-manifest.ts';
import type { TrustedSigners } from './trusted-signers.ts';

export interface PublishedManifest extends LoadedManifest {
  readonly manifest: Manifest;
}

/** The Reference Values in force, by model: the newest manifest of each, ready for look-ups. */
export class ReferenceValues {
  readonly #db: Database;
  readonly #operator: string;
  readonly #group: GroupCommit;
  readonly #log: EndpointLog;
  #signers: TrustedSigners;
  #byModel: ReadonlyMap<string, ModelReference> = new Map();
  #revision = 0;

  constructor(db: Database, operator: string, group: GroupCommit, signers: TrustedSigners, log: EndpointLog) {
    this.#db = db;
    this.#operator = operator;
    this.#group = group;
    this.#signers = signers;
    this.#log = log;
  }

  /** Rises with every manifest that is stored. */
  get revision(): number {
    return this.#revision;
  }

  find(model: string): ModelReference | undefined {
    return this.#byModel.get(model);
  }

  /**
   * Reads what is stored. Signatures are verified again: a manifest whose signers are no longer trusted is not in force, and neither is one
   * that was changed in the store (F-87).
   */
  async load(signers: TrustedSigners = this.#signers): Promise<void> {
    const revision = await referenceRevision(this.#db, this.#operator);
    const byModel = new Map<string, ModelReference>();
    for (const { model, body } of await newestManifests(this.#db, this.#operator)) {
      try {
        const { manifest } = verifyManifest(body, signers);
        byModel.set(manifest.model, modelReference(manifest, revision));
      } catch (error) {
        if (!(error instanceof VerifierError || error instanceof ProtocolError)) throw error;
        this.#log.warn({ model, code: error.code }, 'a stored manifest is not in force');
      }
    }
    this.#signers = signers;
    this.#byModel = byModel;
    this.#revision = revision;
  }

  /** Reads again where another process stored newer ones. */
  async refresh(): Promise<void> {
    if ((await referenceRevision(this.#db, this.#operator)) !== this.#revision) await this.load();
  }

  /**
   * Verifies, stores, and puts in force; in this order. One that is refused is logged, and what was in force stays in force.
   *
   * @param body the signed manifest as received
   * @param now wall clock, milliseconds since 1970
   * @throws VerifierError `reference.*`
   * @throws ProtocolError `msgpack.*`, `manifest.malformed`
   */
  async publish(body: Uint8Array, now: number): Promise<PublishedManifest> {
    const published = await this.#accept(body, now);
    await this.load();
    return published;
  }

  async #accept(body: Uint8Array, now: number): Promise<PublishedManifest> {
    try {
      const verified = verifyManifest(body, this.#signers);
      modelReference(verified.manifest, this.#revision);
      const loaded = await this.#group.change('', (tx) => loadManifest(tx, this.#operator, verified, now));
      return { ...loaded, manifest: verified.manifest };
    } catch (error) {
      if (error instanceof VerifierError || error instanceof ProtocolError) {
        this.#log.warn({ code: error.code, reason: error.message }, 'a manifest was refused');
      }
      throw error;
    }
  }
}

/** @throws VerifierError `reference.key` for a key of IMA signers that nothing can be verified with */
export function modelReference(manifest: Manifest, revision: number): ModelReference {
  const { issuer, model, sequence, minimum, releases } = manifest;
  return {
    revision,
    issuer,
    model,
    sequence,
    minimum,
    releases: new Map(
      releases.map((one) => {
        const { release, version, acceptedUntil, components, platform } = one;
        const reference = {
          release,
          version,
          acceptedUntil,
          digest: referenceDigest(one),
          components: new Map(components.map((component) => [component.name, component])),
          ...(platform === undefined ? {} : { platform: platformAllowed(platform) }),
        };
        return [release, reference];
      }),
    ),
  };
}

function referenceDigest({ components, platform }: Release): Uint8Array {
  const rows = components.map(({ name, pcr, digest, phase }) => [name, pcr, digest, phase]);
  return nodeCrypto.sha256(encodeCanonical(platform === undefined ? rows : [rows, writePlatform(platform)]));
}
