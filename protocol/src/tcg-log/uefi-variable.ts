import { EventData } from './event-data.ts';
import { wideText } from './shown-text.ts';

/** UEFI_VARIABLE_DATA (PC Client Platform Firmware Profile 10.2.6). */
export interface UefiVariable {
  /** VariableName: the vendor's GUID, as text */
  readonly vendor: string;
  /** as it stands in the log: escape it before it is shown */
  readonly name: string;
  /** VariableData, a view */
  readonly value: Uint8Array;
  /** what stands behind it, a view: shim has logged a few bytes too many */
  readonly trailing: Uint8Array;
}

export const UEFI_VENDOR = {
  /** EFI_GLOBAL_VARIABLE */
  global: '8be4df61-93ca-11d2-aa0d-00e098032b8c',
  /** EFI_IMAGE_SECURITY_DATABASE_GUID */
  security: 'd719b2cb-3d3a-4596-a3bc-dad00e67656f',
  /** of shim, the first boot loader of most Linux distributions */
  shim: '605dab50-e046-4300-abb6-3dd810dd8b23',
} as const;

/** @throws ProtocolError `tcg-log.event-data` where the lengths exceed the bytes */
export function parseUefiVariable(bytes: Uint8Array): UefiVariable {
  const data = new EventData(bytes);
  const vendor = data.guid();
  const [units, length] = [data.size64(), data.size64()];
  const name = wideText(data.bytes(2 * units));
  const value = data.bytes(length);
  return { vendor, name, value, trailing: data.rest() };
}
