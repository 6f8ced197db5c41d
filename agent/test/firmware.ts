import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encodeManifest, encodeSignedManifest, type ReferenceComponent, utf8 } from '@mtm-attest/protocol';

/** Slots in a directory of their own. */
export interface Firmware {
  readonly slots: string;
  readonly components: readonly ReferenceComponent[];
  /** path of a component's file in slot a */
  path(name: string): string;
  remove(): void;
}

const PARTS = [
  { name: 'app/main.bin', pcr: 10, phase: 'boot' },
  { name: 'boot.bin', pcr: 4, phase: 'boot' },
  { name: 'tre.bin', pcr: 0, phase: 'boot' },
  { name: 'usim.bin', pcr: 12, phase: 'runtime' },
] as const;

/** Release 1 in slot a, which boots; slot b is empty. */
export function installFirmware(): Firmware {
  const slots = mkdtempSync(join(tmpdir(), 'mtm-slots-'));
  const path = (name: string): string => join(slots, 'a', 'files', name);
  const components = PARTS.map((part) => {
    const bytes = utf8(`the bytes of ${part.name}`);
    mkdirSync(dirname(path(part.name)), { recursive: true });
    writeFileSync(path(part.name), bytes);
    return { ...part, digest: new Uint8Array(createHash('sha256').update(bytes).digest()) };
  });
  const releases = [{ release: 1, version: '1.0', components }];
  const payload = encodeManifest({ issuer: 'maker', model: 'model-1', sequence: 1, minimum: 1, releases });
  const signature = { keyId: new Uint8Array(32), algorithm: 'ed25519', signature: new Uint8Array(64) } as const;
  writeFileSync(join(slots, 'a', 'manifest.bin'), encodeSignedManifest({ payload, signatures: [signature] }));
  writeFileSync(join(slots, 'a', 'release.json'), '{"release": 1}');
  writeFileSync(join(slots, 'boot'), 'a\n');
  return { slots, components, path, remove: () => rmSync(slots, { recursive: true }) };
}
