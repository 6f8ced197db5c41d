import { equalBytes } from '../bytes/equal.ts';
import { ProtocolError } from '../error.ts';
import { hashName } from '../tpm/constants.ts';
import type { Hashes } from '../tpm/name.ts';
import { type TcgCoverage, tcgCoverage } from './event-type.ts';
import type { TcgRecord } from './record.ts';
import { parseUefiVariable } from './uefi-variable.ts';

const COLON = 0x3a;
const SPACE = 0x20;

/**
 * Whether the digests of a record prove its data.
 * - `covered`: every digest of a bank that we know is the hash of the data
 * - `partly`: of the part that matters: the value of a variable, not its name; the text behind the word that GRUB puts before it
 * - `uncovered`: the type promises nothing of that kind, and it is not so; or no bank is known
 * - `contradicted`: the type promises it, and it is not so
 */
export type TcgProof = 'covered' | 'partly' | 'uncovered' | 'contradicted';

/** Hashes the data once for each bank, but for types whose digest is of something else. */
export function tcgProof(record: TcgRecord, hashes: Hashes): TcgProof {
  const rule = tcgCoverage(record.type);
  const isKnown = record.digests.some(({ algorithm }) => hashName(algorithm) !== undefined);
  if (rule === 'none' || !isKnown) return 'uncovered';
  if (isHashOf(record, record.data, hashes)) return 'covered';
  if (partsOf(rule, record.data).some((part) => isHashOf(record, part, hashes))) return 'partly';
  return rule === 'either' || rule === 'text' ? 'uncovered' : 'contradicted';
}

function isHashOf({ digests }: TcgRecord, data: Uint8Array, hashes: Hashes): boolean {
  return digests.every(({ algorithm, digest }) => {
    const bank = hashName(algorithm);
    return bank === undefined || equalBytes(hashes[bank](data), digest);
  });
}

/** What some hash instead of all the data. */
function partsOf(rule: TcgCoverage, data: Uint8Array): readonly Uint8Array[] {
  if (rule === 'variable') return variableParts(data);
  return rule === 'text' ? textParts(data) : [];
}

/** The text without its closing NULs; and without the word before its first colon, which GRUB puts in front of what it hashed. */
function textParts(data: Uint8Array): readonly Uint8Array[] {
  const text = data.subarray(0, data.findLastIndex((byte) => byte !== 0) + 1);
  const colon = text.indexOf(COLON);
  return text[colon + 1] === SPACE ? [text, text.subarray(colon + 2)] : [text];
}

/** The value alone; and all but one byte, which shim has logged behind what it hashed. */
function variableParts(data: Uint8Array): readonly Uint8Array[] {
  try {
    const { value, trailing } = parseUefiVariable(data);
    return trailing.length === 0 ? [value] : [data.subarray(0, -1)];
  } catch (error) {
    if (error instanceof ProtocolError) return [];
    throw error;
  }
}
