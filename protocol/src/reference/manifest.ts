import { isId, utf8 } from '../bytes/text.ts';
import { Writer } from '../bytes/writer.ts';
import { ProtocolError } from '../error.ts';
import { isComponentName } from '../event-log/component-list.ts';
import { isU32 } from '../message/field.ts';
import { decodeStrict, encodeCanonical, isMsgpackArray, type MsgpackValue } from '../msgpack/codec.ts';
import { type PlatformReference, readPlatform, writePlatform } from './platform-reference.ts';

/** When a component may run: measured at boot, or started afterwards. */
export const COMPONENT_PHASES = { boot: 0, runtime: 1 } as const;

export type ComponentPhase = keyof typeof COMPONENT_PHASES;

/** One Reference Value: the bytes of this file, and nothing else, may run under this name. */
export interface ReferenceComponent {
  readonly name: string;
  /** the PCR that its boot measurement is extended into; components of phase runtime go to PCR 12 */
  readonly pcr: number;
  /** SHA-256 of the file, 32 bytes */
  readonly digest: Uint8Array;
  readonly phase: ComponentPhase;
}

/** A complete set: components of two releases never mix (F-34). */
export interface Release {
  /** rises with time; compared with `minimum` */
  readonly release: number;
  readonly version: string;
  /** wall-clock milliseconds since 1970; absent while the release is accepted without limit */
  readonly acceptedUntil?: number | undefined;
  /** names ascending by bytes, each once */
  readonly components: readonly ReferenceComponent[];
  /** of firmware logs and IMA lists; with the latter, PCR 10 belongs to IMA alone */
  readonly platform?: PlatformReference | undefined;
}

/** The signed document that says what a model of terminal may run. The newest document of an issuer for a model replaces the older ones. */
export interface Manifest {
  readonly issuer: string;
  /** the model of terminal, matched exactly (F-33) */
  readonly model: string;
  /** never lower than one accepted before (F-30) */
  readonly sequence: number;
  /** lowest release that may run; never goes down from one document to the next */
  readonly minimum: number;
  /** releases ascending, each once */
  readonly releases: readonly Release[];
}

export type ManifestAlgorithm = 'ed25519' | 'ecdsa-p256';

const ALGORITHM_NUMBERS: Readonly<Record<ManifestAlgorithm, number>> = { ed25519: 1, 'ecdsa-p256': 2 };

export interface ManifestSignature {
  /** SHA-256 of the signer's SubjectPublicKeyInfo, 32 bytes (F-35) */
  readonly keyId: Uint8Array;
  readonly algorithm: ManifestAlgorithm;
  /** 64 bytes: Ed25519, or r and s of ECDSA with SHA-256 and a low s */
  readonly signature: Uint8Array;
}

/** Signature and document as received: the payload is decoded only after a signature over these very bytes verified (F-32). */
export interface SignedManifest {
  readonly payload: Uint8Array;
  readonly signatures: readonly ManifestSignature[];
}

const LABEL = utf8('mtm-attest/v1 manifest\0');
const MAX_RELEASES = 256;
const MAX_COMPONENTS = 4096;
const MAX_SIGNATURES = 8;
/** Largest signed manifest, in bytes. */
export const MAX_MANIFEST_BYTES = 1_048_576;
const BOOT_PCRS = new Set([0, 1, 4, 7, 10, 11]);
const RUNTIME_PCR = 12;
/** Linux extends what IMA measures into this one. */
export const IMA_PCR = 10;

/** What a manifest's signature covers: label, then the length-prefixed payload. */
export function manifestMessage(payload: Uint8Array): Uint8Array {
  return new Writer(payload.length + 64).bytes(LABEL).lengthPrefixed(payload).done();
}

/** Canonical msgpack array `[payload, [[keyId, algorithm, signature]…]]` (SPEC.md 8.2). */
export function encodeSignedManifest(signed: SignedManifest): Uint8Array {
  return encodeCanonical([
    signed.payload,
    signed.signatures.map((one) => [one.keyId, ALGORITHM_NUMBERS[one.algorithm], one.signature]),
  ]);
}

/** @throws ProtocolError `msgpack.*`, `manifest.malformed` */
export function parseSignedManifest(bytes: Uint8Array): SignedManifest {
  if (bytes.length > MAX_MANIFEST_BYTES) throw malformed();
  const [payload, signatures] = tuple(decodeStrict(bytes), 2);
  if (!(payload instanceof Uint8Array) || !Array.isArray(signatures)) throw malformed();
  if (signatures.length === 0 || signatures.length > MAX_SIGNATURES) throw malformed();
  return { payload, signatures: signatures.map(readSignature) };
}

function readSignature(value: MsgpackValue): ManifestSignature {
  const [keyId, number, signature] = tuple(value, 3);
  const algorithm = (['ed25519', 'ecdsa-p256'] as const).find((name) => ALGORITHM_NUMBERS[name] === number);
  if (!isBytes(keyId, 32) || algorithm === undefined || !isBytes(signature, 64)) throw malformed();
  return { keyId, algorithm, signature };
}

/**
 * Canonical msgpack array `[issuer, model, sequence, minimum, releases]`; a release is `[release, version, acceptedUntil or 0, components]`, with
 * `platform` behind them where it has any, a component `[name, pcr, digest, phase]` (SPEC.md 8.1).
 */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const releases = manifest.releases.map((one) => [
    one.release,
    one.version,
    one.acceptedUntil ?? 0,
    one.components.map((part) => [part.name, part.pcr, part.digest, COMPONENT_PHASES[part.phase]]),
    ...(one.platform === undefined ? [] : [writePlatform(one.platform)]),
  ]);
  return encodeCanonical([manifest.issuer, manifest.model, manifest.sequence, manifest.minimum, releases]);
}

/** @throws ProtocolError `msgpack.*`, `manifest.malformed` */
export function parseManifest(payload: Uint8Array): Manifest {
  const [issuer, model, sequence, minimum, releases] = tuple(decodeStrict(payload), 5);
  if (typeof issuer !== 'string' || !isId(issuer) || typeof model !== 'string' || !isId(model)) throw malformed();
  if (!isCount(sequence) || !isRelease(minimum) || !Array.isArray(releases)) throw malformed();
  if (releases.length === 0 || releases.length > MAX_RELEASES) throw malformed();
  const read = releases.map(readRelease);
  if (!ascending(read, (a, b) => a.release - b.release)) throw malformed();
  return { issuer, model, sequence, minimum, releases: read };
}

function readRelease(value: MsgpackValue): Release {
  const [release, version, acceptedUntil, components, ...rest] = isMsgpackArray(value) ? value : [];
  if (!isRelease(release) || typeof version !== 'string' || version.length === 0 || version.length > 64)
    throw malformed();
  if (typeof acceptedUntil !== 'number' || !Number.isSafeInteger(acceptedUntil)) throw malformed();
  if (!Array.isArray(components)) throw malformed();
  if (components.length === 0 || components.length > MAX_COMPONENTS) throw malformed();
  const read = components.map(readComponent);
  if (!ascending(read, (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))) throw malformed();
  const limit = acceptedUntil === 0 ? {} : { acceptedUntil };
  const [written, ...more] = rest;
  if (more.length > 0) throw malformed();
  if (written === undefined) return { release, version, components: read, ...limit };
  const platform = readPlatform(written);
  if (platform.ima !== undefined && read.some(({ pcr }) => pcr === IMA_PCR)) throw malformed();
  return { release, version, components: read, ...limit, platform };
}

function readComponent(value: MsgpackValue): ReferenceComponent {
  const [name, pcr, digest, number] = tuple(value, 4);
  if (typeof name !== 'string' || !isComponentName(name) || !isBytes(digest, 32)) throw malformed();
  const phase = number === COMPONENT_PHASES.boot ? 'boot' : number === COMPONENT_PHASES.runtime ? 'runtime' : undefined;
  if (phase === undefined || typeof pcr !== 'number') throw malformed();
  if (phase === 'boot' ? !BOOT_PCRS.has(pcr) : pcr !== RUNTIME_PCR) throw malformed();
  return { name, pcr, digest, phase };
}

/** Component names are ASCII, so the order of strings is the order of their bytes. */
function ascending<T>(items: readonly T[], compare: (a: T, b: T) => number): boolean {
  return items.every((item, i) => {
    const before = items[i - 1];
    return before === undefined || compare(before, item) < 0;
  });
}

function tuple(value: MsgpackValue | undefined, length: number): readonly MsgpackValue[] {
  if (!isMsgpackArray(value) || value.length !== length) throw malformed();
  return value;
}

function isBytes(value: MsgpackValue | undefined, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}

/** A release stands in the event log as a u32. */
function isRelease(value: MsgpackValue | undefined): value is number {
  return isCount(value) && isU32(value);
}

/** Sequences and releases count from 1. */
function isCount(value: MsgpackValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1;
}

function malformed(): ProtocolError {
  return new ProtocolError('manifest.malformed');
}
