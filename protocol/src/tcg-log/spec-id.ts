import { utf8 } from '../bytes/text.ts';
import { ProtocolError } from '../error.ts';
import { HASHES, hashName } from '../tpm/constants.ts';
import { EventData } from './event-data.ts';

/** One bank that a crypto-agile log announces. */
export interface TcgAlgorithm {
  /** TPM_ALG_ID */
  readonly algorithm: number;
  /** digest size in bytes */
  readonly size: number;
}

/** What the first event of a log says about the log (PC Client Platform Firmware Profile 10.4.5.1; TCG EFI Platform 1.2, 7.2). */
export interface TcgSpecId {
  /** 3: crypto-agile; 2: SHA-1 only, UEFI; 0: SHA-1 only, BIOS */
  readonly version: 0 | 2 | 3;
  readonly platformClass: number;
  /** as in `2.0.105`: major, minor, errata */
  readonly specVersion: string;
  /** bytes of a UINTN: 4 or 8; 0 where the log does not say */
  readonly uintnBytes: 0 | 4 | 8;
  /** empty but for version 3 */
  readonly algorithms: readonly TcgAlgorithm[];
}

const SIGNATURE = utf8('Spec ID Event0');
const SIGNATURE_BYTES = 16;
const MAX_ALGORITHMS = 16;
/** Digest sizes of algorithms that we do not know: from SHA-1 to the longest. */
const MIN_DIGEST_BYTES = 20;
const MAX_DIGEST_BYTES = 64;

export function isSpecId(data: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => data[i] === byte);
}

/**
 * @param data of a first event that isSpecId
 * @param offset of the data in the file
 * @throws ProtocolError `tcg-log.header` at `offset`: another version, no or more than 16 algorithms, one twice, a size that is not the
 *   algorithm's, bytes missing or left over
 */
export function parseSpecId(data: Uint8Array, offset: number): TcgSpecId {
  try {
    return read(new EventData(data));
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    throw new ProtocolError('tcg-log.header', offset, { cause });
  }
}

function read(data: EventData): TcgSpecId {
  const version = versionOf(data.bytes(SIGNATURE_BYTES)) ?? data.refuse();
  const platformClass = data.u32();
  const [minor, major, errata] = [data.u8(), data.u8(), data.u8()];
  const uintn = data.u8();
  const algorithms = version === 3 ? readAlgorithms(data) : [];
  data.bytes(data.u8());
  data.end();
  const uintnBytes = version === 0 ? 0 : uintn === 1 ? 4 : uintn === 2 ? 8 : 0;
  return { version, platformClass, specVersion: `${major}.${minor}.${errata}`, uintnBytes, algorithms };
}

function versionOf(signature: Uint8Array): TcgSpecId['version'] | undefined {
  const digit = (signature[SIGNATURE.length] ?? 0) - 0x30;
  if (signature[SIGNATURE_BYTES - 1] !== 0) return undefined;
  return digit === 0 || digit === 2 || digit === 3 ? digit : undefined;
}

function readAlgorithms(data: EventData): TcgAlgorithm[] {
  const count = data.u32();
  if (count === 0 || count > MAX_ALGORITHMS) data.refuse();
  const algorithms: TcgAlgorithm[] = [];
  for (let i = 0; i < count; i++) {
    const [algorithm, size] = [data.u16(), data.u16()];
    const bank = hashName(algorithm);
    const isRight =
      bank === undefined ? size >= MIN_DIGEST_BYTES && size <= MAX_DIGEST_BYTES : size === HASHES[bank].size;
    if (!isRight || algorithms.some((other) => other.algorithm === algorithm)) data.refuse();
    algorithms.push({ algorithm, size });
  }
  return algorithms;
}
