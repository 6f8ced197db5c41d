import { toHex } from '../bytes/text.ts';
import { EventData } from './event-data.ts';
import { shownBytes, shownText, wideText } from './shown-text.ts';

const END = 0x7f;
const END_ENTIRE = 0xff;
const HEADER_BYTES = 4;

/**
 * Device paths, one behind the other, as text in the form of the UEFI specification (2.10, section 10.6) for the nodes that boot paths are
 * made of; other nodes as Path(type, subtype, hexadecimal).
 * @throws ProtocolError `tcg-log.event-data`: a node shorter than its header or than its fields
 */
export function devicePathText(bytes: Uint8Array): string {
  const data = new EventData(bytes);
  const nodes: string[] = [];
  while (data.remaining > 0) {
    const [type, subtype, length] = [data.u8(), data.u8(), data.u16()];
    if (length < HEADER_BYTES) data.refuse();
    const body = data.bytes(length - HEADER_BYTES);
    nodes.push(type === END ? (subtype === END_ENTIRE ? '; ' : ', ') : nodeText(type, subtype, body));
  }
  const text = nodes.join('/');
  return text.replaceAll(/\/?([,;] )\/?/g, '$1').replace(/; $/, '');
}

function nodeText(type: number, subtype: number, body: Uint8Array): string {
  const describe = NODES[`${type}.${subtype}`];
  return describe?.(new EventData(body)) ?? `Path(${type},${subtype},${shownBytes(body)})`;
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** EISA id of PNP0A03 and PNP0A08, the two kinds of PCI root. */
const PCI_ROOTS: readonly number[] = [0x0a0341d0, 0x0a0841d0];
const GPT_FORMAT = 2;

const NODES: Readonly<Record<string, (node: EventData) => string>> = {
  '1.1': (node) => {
    const [fn, device] = [node.u8(), node.u8()];
    return `Pci(${hex(device)},${hex(fn)})`;
  },
  '1.3': (node) => `MemoryMapped(${hex(node.u32())},${hex(node.u64())},${hex(node.u64())})`,
  '1.4': (node) => `VenHw(${node.guid()})`,
  '1.5': (node) => `Ctrl(${hex(node.u32())})`,
  '2.1': (node) => {
    const [hid, uid] = [node.u32(), node.u32()];
    return PCI_ROOTS.includes(hid) ? `PciRoot(${hex(uid)})` : `Acpi(${hex(hid)},${hex(uid)})`;
  },
  '3.2': (node) => `Scsi(${hex(node.u16())},${hex(node.u16())})`,
  '3.5': (node) => `USB(${hex(node.u8())},${hex(node.u8())})`,
  '3.10': (node) => `VenMsg(${node.guid()})`,
  '3.11': (node) => {
    const [address, kind] = [node.bytes(32), node.u8()];
    return `MAC(${toHex(kind <= 1 ? address.subarray(0, 6) : address)},${hex(kind)})`;
  },
  '3.12': () => 'IPv4()',
  '3.13': () => 'IPv6()',
  '3.17': (node) => `Unit(${hex(node.u8())})`,
  '3.18': (node) => `Sata(${hex(node.u16())},${hex(node.u16())},${hex(node.u16())})`,
  '3.23': (node) => {
    const [namespace, eui] = [node.u32(), node.bytes(8)];
    return `NVMe(${hex(namespace)},${toHex(eui.toReversed()).replace(/..(?!$)/g, '$&-')})`;
  },
  '3.24': (node) => `Uri(${shownText(String.fromCharCode(...node.bytes(Math.min(node.remaining, 2048))))})`,
  '3.26': (node) => `SD(${hex(node.u8())})`,
  '3.29': (node) => `eMMC(${hex(node.u8())})`,
  '4.1': hardDrive,
  '4.2': (node) => `CDROM(${hex(node.u32())},${hex(node.u64())},${hex(node.u64())})`,
  '4.3': (node) => `VenMedia(${node.guid()})`,
  '4.4': (node) => shownText(wideText(node.rest()).replace(/\0+$/, '')),
  '4.6': (node) => `FvFile(${node.guid()})`,
  '4.7': (node) => `Fv(${node.guid()})`,
  '4.8': (node) => {
    node.u32();
    return `Offset(${hex(node.u64())},${hex(node.u64())})`;
  },
};

function hardDrive(node: EventData): string {
  const [number, start, size] = [node.u32(), node.u64(), node.u64()];
  const signature = node.bytes(16);
  const [format, kind] = [node.u8(), node.u8()];
  const isGpt = format === GPT_FORMAT && kind === GPT_FORMAT;
  const name = isGpt ? `GPT,${new EventData(signature).guid()}` : `MBR,${toHex(signature.subarray(0, 4).toReversed())}`;
  return `HD(${number},${name},${hex(start)},${hex(size)})`;
}
