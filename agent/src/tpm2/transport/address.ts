import { isIP } from 'node:net';
import { AgentError } from '../../error.ts';
import { Device } from './device.ts';
import { RawSocket } from './raw-socket.ts';
import { Simulator } from './simulator.ts';
import type { Transport } from './transport.ts';

/** Where a TPM is. */
export type TpmAddress =
  | { readonly kind: 'device'; readonly path: string }
  | { readonly kind: 'swtpm-unix'; readonly path: string }
  | { readonly kind: 'swtpm' | 'mssim'; readonly host: string; readonly port: number };

const FORMS = 'device:/dev/tpmrm0, swtpm:HOST:PORT, swtpm:unix:PATH or mssim:HOST:PORT';
const HOST = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+)):(\d{1,5})$/i;
const MAX_PORT = 65_535;

/** @throws AgentError `option.invalid` */
export function parseTpmAddress(text: string): TpmAddress {
  const device = /^device:(\/.+)$/.exec(text)?.[1];
  if (device !== undefined) return { kind: 'device', path: device };
  const unix = /^swtpm:unix:(.+)$/.exec(text)?.[1];
  if (unix !== undefined) return { kind: 'swtpm-unix', path: unix };
  const [, kind, place = ''] = /^(swtpm|mssim):(.+)$/.exec(text) ?? [];
  const [, six, name, digits] = HOST.exec(place) ?? [];
  const host = six ?? name;
  const port = Number(digits);
  const fits = host !== undefined && port > 0 && port <= (kind === 'mssim' ? MAX_PORT - 1 : MAX_PORT);
  if ((kind === 'swtpm' || kind === 'mssim') && fits && (six === undefined || isIP(six) === 6)) {
    return { kind, host, port };
  }
  throw new AgentError('option.invalid', `a TPM is ${FORMS}`);
}

/** @throws AgentError `tpm.unreachable`, `tpm.timeout`, `tpm.in-use` */
export function openTransport(address: TpmAddress, timeoutMs: number): Promise<Transport> {
  switch (address.kind) {
    case 'device':
      return Device.open(address.path);
    case 'swtpm-unix':
      return RawSocket.connect({ path: address.path }, timeoutMs);
    case 'swtpm':
      return RawSocket.connect({ host: address.host, port: address.port }, timeoutMs);
    case 'mssim':
      return Simulator.connect(address.host, address.port, timeoutMs);
  }
}
