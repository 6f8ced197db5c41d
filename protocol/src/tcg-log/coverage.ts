import { equalBytes } from '../bytes/equal.ts';
import { ProtocolError } from '../error.ts';
import { hashName } from '../tpm/constants.ts';
import type { Hashes } from '../tpm/name.ts';
import { tcgCoverage } from './event-type.ts';
import type { TcgRecord } from './record.ts';
import { parseUefiVariable } from './uefi-variable.ts';

/**
 * Whether the digests of a record prove its data.
 * - `covered`: every digest of a bank that we know is the hash of the data (of a variable: or of its value, or without a byte behind it)
 * - `uncovered`: the type promises nothing of that kind, and it is not so
 * - `contradicted`: the type promises it, and it is not so
 */
export type TcgProof = 'covered' | 'uncovered' | 'contradicted';

/** Hashes the data once for each bank, but for types whose digest is of something else. */
export function tcgProof(record: TcgRecord, hashes: Hashes): TcgProof {
  const rule = tcgCoverage(record.type);
  if (rule === 'none') return 'uncovered';
  if (isHashOf(record, record.data, hashes)) return 'covered';
  if (rule === 'either') return 'uncovered';
  const others = rule === 'variable' ? variableParts(record.data) : [];
  return others.some((part) => isHashOf(record, part, hashes)) ? 'covered' : 'contradicted';
}

function isHashOf({ digests }: TcgRecord, data: Uint8Array, hashes: Hashes): boolean {
  const known = digests.filter(({ algorithm }) => hashName(algorithm) !== undefined);
  return (
    known.length > 0 &&
    known.every(({ algorithm, digest }) => {
      const bank = hashName(algorithm);
      return bank !== undefined && equalBytes(hashes[bank](data), digest);
    })
  );
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
