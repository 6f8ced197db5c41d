import { ProtocolError } from '../error.ts';
import { HASHES, type HashName } from '../tpm/constants.ts';
import type { PcrSelection } from '../tpm/pcr.ts';

/** One value's place: a PCR of a bank, and how long its value is. */
export interface Slot {
  readonly bank: HashName;
  readonly pcr: number;
  readonly size: number;
}

/** The places of a selection in the order of its banks, indices ascending. */
export function slotsOf(selection: PcrSelection): Slot[] {
  return selection.flatMap(({ bank, pcrs }) => pcrs.map((pcr) => ({ bank, pcr, size: HASHES[bank].size })));
}

/** PcrValues while they are read. */
export type Filling = Partial<Record<HashName, Map<number, Uint8Array>>>;

/** @throws ProtocolError `file.pcrs` for a second value of one PCR */
export function put(values: Filling, { bank, pcr }: Slot, value: Uint8Array, offset?: number): void {
  values[bank] ??= new Map();
  if (values[bank].has(pcr)) throw new ProtocolError('file.pcrs', offset);
  values[bank].set(pcr, value);
}
