import {
  type ComponentList,
  encodeComponentList,
  encodeManifest,
  type LogEvent,
  type Manifest,
  utf8,
} from '@mtm-attest/protocol';
import { sha256 } from '../keys.ts';

/** One event and the PCR that it was extended into; an event that no writer would make stands as its content. */
export type Entry = readonly [pcr: number, event: LogEvent | Uint8Array];

/** Of the challenge that is open. */
export const NONCE: Uint8Array = sha256(utf8('nonce of the open challenge'));
/** Until when release 2 may run; milliseconds since 1970. */
export const EXPIRY = 1_785_000_000_000;

/** SHA-256 of the bytes of one file in one release. */
export function fileDigest(name: string, release: number): Uint8Array {
  return sha256(utf8(`${name} of release ${release}`));
}

const BOOT_COMPONENTS: readonly (readonly [name: string, pcr: number])[] = [
  ['agent', 4],
  ['etc/config', 1],
  ['lib/core', 4],
];
/** The one component that is started after boot. */
export const RUNTIME_COMPONENT = 'app/meter';

/** Releases 2 (until EXPIRY), 3 and 4; 2 is the lowest that may run. Every release has its own files. */
export const MANIFEST: Manifest = {
  issuer: 'maker',
  model: 'meter-3',
  sequence: 7,
  minimum: 2,
  releases: [2, 3, 4].map((release) => ({
    release,
    version: `1.${release}.0`,
    ...(release === 2 ? { acceptedUntil: EXPIRY } : {}),
    components: [
      ...BOOT_COMPONENTS.map(([name, pcr]) => ({
        name,
        pcr,
        digest: fileDigest(name, release),
        phase: 'boot' as const,
      })),
      { name: RUNTIME_COMPONENT, pcr: 12, digest: fileDigest(RUNTIME_COMPONENT, release), phase: 'runtime' as const },
    ].sort((a, b) => (a.name < b.name ? -1 : 1)),
  })),
};

export const MANIFEST_BYTES: Uint8Array = encodeManifest(MANIFEST);

/** What an audit of an honest terminal measures. */
export function listOf(release: number): ComponentList {
  return [...BOOT_COMPONENTS.map(([name]) => name), RUNTIME_COMPONENT]
    .sort()
    .map((name) => ({ name, digest: fileDigest(name, release) }));
}

export function listDigest(list: ComponentList): Uint8Array {
  return sha256(encodeComponentList(list));
}

/** The events of a boot up to its end. */
export function bootEvents(release: number, resetCount = 3, restartCount = 0): readonly Entry[] {
  return [
    [11, { type: 'boot', resetCount, restartCount, agent: 'mtm-agent/0.1.0' }],
    [5, { type: 'release', release, manifestDigest: sha256(MANIFEST_BYTES) }],
    ...BOOT_COMPONENTS.map(
      ([name, pcr]) => [pcr, { type: 'component', name, digest: fileDigest(name, release) }] as const,
    ),
    [11, { type: 'ready' }],
  ];
}

export function started(name: string, digest: Uint8Array): Entry {
  return [12, { type: 'started', name, digest }];
}

export function audit(list: ComponentList, nonce: Uint8Array = NONCE): Entry {
  return [13, { type: 'audit', nonce, listDigest: listDigest(list) }];
}
