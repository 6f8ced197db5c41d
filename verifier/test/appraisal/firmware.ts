import { type Manifest, type ReferenceComponent, type Release, utf8 } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import type { ModelReference } from '../../src/appraisal/input.ts';
import { modelReference } from '../../src/reference/reference-values.ts';

export const MODEL = 'model-1';

/** The digest of a component's bytes as a release ships them, or as somebody changed them. */
export function digestOf(name: string, state: string): Uint8Array {
  return nodeCrypto.sha256(utf8(`${name} ${state}`));
}

/** Components of a release: three of the boot, one that may start later. */
export function componentsOf(release: number): readonly ReferenceComponent[] {
  const digest = (name: string): Uint8Array => digestOf(name, `release ${release}`);
  return [
    { name: 'app/main.bin', pcr: 10, phase: 'boot', digest: digest('app/main.bin') },
    { name: 'boot.bin', pcr: 4, phase: 'boot', digest: digest('boot.bin') },
    { name: 'tre.bin', pcr: 0, phase: 'boot', digest: digest('tre.bin') },
    { name: 'usim.bin', pcr: 12, phase: 'runtime', digest: digest('usim.bin') },
  ];
}

export function releaseOf(release: number, changes: Partial<Release> = {}): Release {
  return { release, version: `${release}.0`, components: componentsOf(release), ...changes };
}

/** A manifest that lists releases 1 to 3 and takes them all. */
function manifestOf(changes: Partial<Manifest> = {}): Manifest {
  const releases = [releaseOf(1), releaseOf(2), releaseOf(3)];
  return { issuer: 'maker', model: MODEL, sequence: 1, minimum: 1, releases, ...changes };
}

export function referenceOf(changes: Partial<Manifest> = {}, revision = 1): ModelReference {
  return modelReference(manifestOf(changes), revision);
}
