import { compareBytes } from '../bytes/compare.ts';
import { utf8 } from '../bytes/text.ts';
import { ProtocolError } from '../error.ts';
import type { ImaRule } from '../ima/replay.ts';
import { isU32 } from '../message/field.ts';
import { isMsgpackArray, type MsgpackValue } from '../msgpack/codec.ts';

/** One event that a firmware log may hold. */
export interface FirmwareReference {
  /** 0..23 */
  readonly pcr: number;
  /** event type of the TCG, u32 */
  readonly type: number;
  /** SHA-256 bank, 32 bytes; absent: whatever an event of this type in this PCR measured (a signer reviewed that it may change) */
  readonly digest?: Uint8Array;
  /** whether the log must hold such an event */
  readonly required: boolean;
  /** what it is, for a person; 1 to 256 UTF-16 units */
  readonly label: string;
}

/** A file that IMA may measure, under the name that its entry carries. */
export interface ImaFile {
  /** 1 to 4096 bytes as UTF-8 */
  readonly path: string;
  /** SHA-256, SHA-384 or SHA-512 of the file, 32, 48 or 64 bytes; ascending by bytes, each once */
  readonly digests: readonly Uint8Array[];
}

/** What an IMA list may hold. */
export interface ImaReference {
  /** what the kernel extends into the SHA-256 bank */
  readonly rule: ImaRule;
  /** ascending by the bytes of the path, each once */
  readonly files: readonly ImaFile[];
  /** SubjectPublicKeyInfo (DER) of keys that may sign files; ascending by bytes, each once */
  readonly keys: readonly Uint8Array[];
  /** files below these are shown as warnings and not appraised: anything may run there (spec-digest D.6.13); ascending by bytes, each once */
  readonly excludes: readonly string[];
  /** whether violations are shown as warnings; otherwise they condemn */
  readonly violations: boolean;
}

/** Reference Values of what runs before the agent and beside it. At least one of the two is there. */
export interface PlatformReference {
  /** ascending by PCR, type, digest (an absent one first), each once */
  readonly firmware?: readonly FirmwareReference[];
  readonly ima?: ImaReference;
}

const RULES = { 'per-bank': 1, padded: 2 } as const satisfies Readonly<Record<ImaRule, number>>;
const VIOLATIONS = 1;
const MAX_EVENTS = 4096;
const MAX_FILES = 65_536;
const MAX_DIGESTS = 64;
const MAX_KEYS = 16;
const MAX_KEY_BYTES = 1024;
const MAX_EXCLUDES = 256;
const MAX_PATH_BYTES = 4096;
const MAX_LABEL = 256;
const LAST_PCR = 23;
const DIGEST_BYTES = 32;
const FILE_DIGEST_BYTES = [32, 48, 64];
const NO_DIGEST = new Uint8Array();

/** `[firmware or 0, ima or 0]` (SPEC.md 8.4). */
export function writePlatform({ firmware, ima }: PlatformReference): MsgpackValue {
  return [firmware === undefined ? 0 : firmware.map(writeEvent), ima === undefined ? 0 : writeIma(ima)];
}

function writeEvent({ pcr, type, digest = NO_DIGEST, required, label }: FirmwareReference): MsgpackValue {
  return [pcr, type, digest, required, label];
}

function writeIma({ rule, files, keys, excludes, violations }: ImaReference): MsgpackValue {
  const written = files.map(({ path, digests }) => [path, digests]);
  return [RULES[rule], written, keys, excludes, violations ? VIOLATIONS : 0];
}

/** @throws ProtocolError `manifest.malformed` */
export function readPlatform(value: MsgpackValue): PlatformReference {
  const [firmware, ima] = tuple(value, 2);
  if (firmware === 0 && ima === 0) throw malformed();
  return {
    ...(firmware === 0 ? {} : { firmware: readFirmware(firmware) }),
    ...(ima === 0 ? {} : { ima: readIma(ima) }),
  };
}

function readFirmware(value: MsgpackValue | undefined): readonly FirmwareReference[] {
  const events = list(value, 1, MAX_EVENTS).map(readEvent);
  ascending(
    events,
    (a, b) => a.pcr - b.pcr || a.type - b.type || compareBytes(a.digest ?? NO_DIGEST, b.digest ?? NO_DIGEST),
  );
  return events;
}

function readEvent(value: MsgpackValue): FirmwareReference {
  const [pcr, type, digest, required, label] = tuple(value, 5);
  if (!isU32(pcr) || pcr > LAST_PCR || !isU32(type) || typeof required !== 'boolean') throw malformed();
  if (typeof label !== 'string' || label.length === 0 || label.length > MAX_LABEL) throw malformed();
  if (!(digest instanceof Uint8Array)) throw malformed();
  if (digest.length === 0) return { pcr, type, required, label };
  if (digest.length !== DIGEST_BYTES) throw malformed();
  return { pcr, type, digest, required, label };
}

function readIma(value: MsgpackValue | undefined): ImaReference {
  const [number, files, keys, excludes, flags] = tuple(value, 5);
  const rule = (['per-bank', 'padded'] as const).find((name) => RULES[name] === number);
  if (rule === undefined || (flags !== 0 && flags !== VIOLATIONS)) throw malformed();
  const read = list(files, 0, MAX_FILES).map(readFile);
  ascending(read, (a, b) => compareBytes(utf8(a.path), utf8(b.path)));
  const spkis = list(keys, 0, MAX_KEYS).map((key) => {
    if (!(key instanceof Uint8Array) || key.length === 0 || key.length > MAX_KEY_BYTES) throw malformed();
    return key;
  });
  ascending(spkis, compareBytes);
  const prefixes = list(excludes, 0, MAX_EXCLUDES).map(readExclude);
  ascending(prefixes, (a, b) => compareBytes(utf8(a), utf8(b)));
  return { rule, files: read, keys: spkis, excludes: prefixes, violations: flags === VIOLATIONS };
}

function readFile(value: MsgpackValue): ImaFile {
  const [path, digests] = tuple(value, 2);
  if (!isPath(path)) throw malformed();
  const read = list(digests, 1, MAX_DIGESTS).map((digest) => {
    if (!(digest instanceof Uint8Array) || !FILE_DIGEST_BYTES.includes(digest.length)) throw malformed();
    return digest;
  });
  ascending(read, compareBytes);
  return { path, digests: read };
}

/** Everything cannot be excluded: a list without any rule would be as good. */
function readExclude(value: MsgpackValue): string {
  if (!isPath(value) || !value.startsWith('/') || value.length < 2) throw malformed();
  return value;
}

function isPath(value: MsgpackValue | undefined): value is string {
  return typeof value === 'string' && value.length > 0 && utf8(value).length <= MAX_PATH_BYTES;
}

function list(value: MsgpackValue | undefined, least: number, most: number): readonly MsgpackValue[] {
  if (!isMsgpackArray(value) || value.length < least || value.length > most) throw malformed();
  return value;
}

function tuple(value: MsgpackValue | undefined, length: number): readonly MsgpackValue[] {
  return list(value, length, length);
}

function ascending<T>(items: readonly T[], compare: (a: T, b: T) => number): void {
  for (const [i, item] of items.entries()) {
    const before = items[i - 1];
    if (before !== undefined && compare(before, item) >= 0) throw malformed();
  }
}

function malformed(): ProtocolError {
  return new ProtocolError('manifest.malformed');
}
