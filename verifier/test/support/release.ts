import { createHash, type KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReferenceComponent } from '@mtm-attest/protocol';
import { signManifest } from '../../src/reference/sign-manifest.ts';

export const MODEL = 'model-1';

const COMPONENTS = [
  { name: 'app.bin', pcr: 10, phase: 'boot' },
  { name: 'kernel.bin', pcr: 4, phase: 'boot' },
  { name: 'tre.bin', pcr: 0, phase: 'boot' },
] as const;
const COMPONENT_REPEATS = 1000;

/**
 * Slots with a release of real files that is installed in one of them.
 *
 * @param count of its components
 * @returns its manifest, signed
 */
export function installRelease(slots: string, key: KeyObject, count: number = COMPONENTS.length): Uint8Array {
  const files = join(slots, 'a', 'files');
  mkdirSync(files, { recursive: true });
  const components = COMPONENTS.slice(0, count).map((part): ReferenceComponent => {
    const bytes = Buffer.from(part.name.repeat(COMPONENT_REPEATS));
    writeFileSync(join(files, part.name), bytes);
    return { ...part, digest: new Uint8Array(createHash('sha256').update(bytes).digest()) };
  });
  const releases = [{ release: 1, version: '1.0', components }];
  const manifest = signManifest({ issuer: 'maker', model: MODEL, sequence: 1, minimum: 1, releases }, [key]);
  writeFileSync(join(slots, 'a', 'manifest.bin'), manifest);
  writeFileSync(join(slots, 'a', 'release.json'), '{"release": 1}');
  writeFileSync(join(slots, 'boot'), 'a');
  return manifest;
}
