import { ProtocolError } from '../error.ts';
import type { TcgAnomalyCode } from './anomaly.ts';
import type { TcgProof } from './coverage.ts';
import { TCG_EVENT_TYPES } from './event-type.ts';
import type { TcgRecord } from './record.ts';
import { parseUefiVariable, UEFI_VENDOR, type UefiVariable } from './uefi-variable.ts';

const PCR = 7;
const DRIVER_CONFIG = TCG_EVENT_TYPES.EV_EFI_VARIABLE_DRIVER_CONFIG.code;

/** The variables that make up secure boot (PC Client Platform Firmware Profile 3.3.4.8, PCR 7). */
const VARIABLES = {
  SecureBoot: UEFI_VENDOR.global,
  PK: UEFI_VENDOR.global,
  KEK: UEFI_VENDOR.global,
  db: UEFI_VENDOR.security,
  dbx: UEFI_VENDOR.security,
} as const;

export type SecureBootVariable = keyof typeof VARIABLES;

/** What the events of PCR 7 say about secure boot. Only data that its digest covers counts. */
export interface SecureBootState {
  /** `unknown`: SecureBoot is not in the log, or not proven, or measured twice with different values */
  readonly secureBoot: 'enabled' | 'disabled' | 'unknown';
  /** whether a variable had content when it was measured, the last measurement; `unknown`: not in the log, or not proven */
  readonly variables: Readonly<Record<SecureBootVariable, 'present' | 'empty' | 'unknown'>>;
  /** variables measured after the separator of PCR 7, so after code that they should have judged */
  readonly afterSeparator: readonly SecureBootVariable[];
}

/** Follows secure boot through a log. */
export class SecureBootWatch {
  #secureBoot: SecureBootState['secureBoot'] = 'unknown';
  readonly #variables = new Map<SecureBootVariable, 'present' | 'empty' | 'unknown'>();
  readonly #late: SecureBootVariable[] = [];

  state(): SecureBootState {
    const variables = {
      SecureBoot: this.#of('SecureBoot'),
      PK: this.#of('PK'),
      KEK: this.#of('KEK'),
      db: this.#of('db'),
      dbx: this.#of('dbx'),
    };
    return { secureBoot: this.#secureBoot, variables, afterSeparator: [...this.#late] };
  }

  /** @returns what is odd about the record, and the variable */
  take(
    record: TcgRecord,
    proof: TcgProof,
    isAfterSeparator: boolean,
  ): { readonly code: TcgAnomalyCode; readonly detail: string } | undefined {
    const variable = record.pcr === PCR && record.type === DRIVER_CONFIG ? variableOf(record.data) : undefined;
    const name = variable === undefined ? undefined : nameOf(variable);
    if (variable === undefined || name === undefined) return undefined;
    const isRepeated = this.#variables.has(name);
    const value = proof === 'covered' && variable.trailing.length === 0 ? variable.value : undefined;
    this.#variables.set(name, value === undefined ? 'unknown' : value.length === 0 ? 'empty' : 'present');
    if (name === 'SecureBoot') this.#secureBoot = this.#switched(value, isRepeated);
    if (isAfterSeparator) {
      if (!this.#late.includes(name)) this.#late.push(name);
      return { code: 'tcg-event.secure-boot-late', detail: name };
    }
    return isRepeated ? { code: 'tcg-event.secure-boot-repeated', detail: name } : undefined;
  }

  #of(name: SecureBootVariable): 'present' | 'empty' | 'unknown' {
    return this.#variables.get(name) ?? 'unknown';
  }

  #switched(value: Uint8Array | undefined, isRepeated: boolean): SecureBootState['secureBoot'] {
    const now = value === undefined ? 'unknown' : switched(value);
    return isRepeated && now !== this.#secureBoot ? 'unknown' : now;
  }
}

/** A variable that is not set is proof, too, that nothing is enforced. */
function switched(value: Uint8Array): SecureBootState['secureBoot'] {
  if (value.length === 0) return 'disabled';
  if (value.length > 1) return 'unknown';
  return value[0] === 1 ? 'enabled' : value[0] === 0 ? 'disabled' : 'unknown';
}

function nameOf({ vendor, name }: UefiVariable): SecureBootVariable | undefined {
  const known = (Object.keys(VARIABLES) as SecureBootVariable[]).find((one) => one === name);
  return known !== undefined && VARIABLES[known] === vendor ? known : undefined;
}

function variableOf(data: Uint8Array): UefiVariable | undefined {
  try {
    return parseUefiVariable(data);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
