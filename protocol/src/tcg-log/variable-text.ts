import { devicePathText } from './device-path.ts';
import { EventData } from './event-data.ts';
import { shownBytes, shownText, textOf, trailingText } from './shown-text.ts';
import { signatureListsText } from './signature-list.ts';
import { UEFI_VENDOR, type UefiVariable } from './uefi-variable.ts';

type Describe = (value: Uint8Array) => string;

/**
 * A UEFI variable in words: what its value means where name and vendor are known, else its bytes. Escaped (F-95).
 * @param isAuthority the value is the one entry of the variable that was used to verify an image
 * @throws ProtocolError `tcg-log.event-data` where the value does not have the form that its name says
 */
export function variableText({ vendor, name, value, trailing }: UefiVariable, isAuthority: boolean): string {
  const [prefix, known] = VENDORS[vendor] ?? [`${vendor} `, {}];
  const isBootEntry = vendor === UEFI_VENDOR.global && /^Boot[0-9A-F]{4}$/.test(name);
  const describe = isBootEntry ? loadOption : ((Object.hasOwn(known, name) ? known[name] : undefined) ?? shownBytes);
  const isEntry = isAuthority && (describe === signatureListsText || describe === shownBytes);
  const text = isEntry ? entryText(value) : value.length === 0 ? 'not set' : describe(value);
  return `${prefix}${shownText(name)}: ${text}${trailingText(trailing)}`;
}

const switched: Describe = (value) => {
  const data = new EventData(value);
  const on = data.u8();
  data.end();
  return on === 1 ? 'enabled' : on === 0 ? 'disabled' : `0x${on.toString(16)}`;
};

const bootNumbers: Describe = (value) => {
  const data = new EventData(value);
  const numbers: string[] = [];
  while (data.remaining > 0) numbers.push(data.u16().toString(16).toUpperCase().padStart(4, '0'));
  return shownText(numbers.join(', '));
};

/** EFI_LOAD_OPTION (UEFI 2.10, 3.1.3) */
const loadOption: Describe = (value) => {
  const data = new EventData(value);
  const [attributes, pathBytes] = [data.u32(), data.u16()];
  const description = shownText(data.utf16z());
  const path = devicePathText(data.bytes(pathBytes));
  const more = data.rest();
  const state = (attributes & 1) === 0 ? ', not active' : '';
  return `"${description}" ${path}${state}${more.length === 0 ? '' : `, data ${shownBytes(more)}`}`;
};

const plainText: Describe = (value) => {
  const text = textOf(value);
  return text === undefined ? shownBytes(value) : shownText(text);
};

/** EFI_SIGNATURE_DATA, or a certificate alone, as shim logs it. */
function entryText(value: Uint8Array): string {
  if (value[0] === 0x30 && value[1] === 0x82) return `certificate of ${value.length} bytes`;
  const data = new EventData(value);
  if (data.remaining <= 16) return shownBytes(value);
  const owner = data.guid();
  const entry = data.rest();
  const kind = entry[0] === 0x30 && entry[1] === 0x82 ? `certificate of ${entry.length} bytes` : shownBytes(entry);
  return `${kind}, owner ${owner}`;
}

const VENDORS: Readonly<Record<string, readonly [prefix: string, names: Readonly<Record<string, Describe>>]>> = {
  [UEFI_VENDOR.global]: [
    '',
    {
      SecureBoot: switched,
      SetupMode: switched,
      AuditMode: switched,
      DeployedMode: switched,
      PK: signatureListsText,
      KEK: signatureListsText,
      BootOrder: bootNumbers,
      BootCurrent: bootNumbers,
      BootNext: bootNumbers,
      DriverOrder: bootNumbers,
    },
  ],
  [UEFI_VENDOR.security]: [
    '',
    { db: signatureListsText, dbx: signatureListsText, dbt: signatureListsText, dbr: signatureListsText },
  ],
  [UEFI_VENDOR.shim]: [
    'shim ',
    {
      MokList: signatureListsText,
      MokListX: signatureListsText,
      MokListTrusted: switched,
      MokSBState: switched,
      SbatLevel: plainText,
      SBAT: plainText,
    },
  ],
};
