import {
  HASHES,
  replayTcgLog,
  TCG_ANOMALIES,
  TCG_EVENT_TYPES,
  type TcgEventName,
  type TcgProof,
  type TcgRecord,
  tcgEventName,
  toHex,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { VerifierError } from '../error.ts';
import { firmwareKey } from './firmware-key.ts';

/** One event of a golden log, as a document for a manifest lists it. */
export interface GoldenEvent {
  readonly pcr: number;
  readonly type: TcgEventName | number;
  /** hexadecimal, SHA-256 bank */
  readonly digest: string;
  readonly required: true;
  readonly label: string;
}

/** Events that another boot, or another machine of the model, measures otherwise: they are listed, and a person says whether any digest will do. */
export interface VolatileEvents {
  readonly pcr: number;
  readonly type: TcgEventName;
  /** why they are not the same everywhere */
  readonly volatile: string;
  /** a document is not signed before a person has put true here */
  readonly reviewed: false;
  readonly required: false;
  readonly label: string;
  readonly seen: readonly { readonly event: number; readonly digest: string; readonly text: string }[];
}

export interface GoldenLog {
  readonly exact: readonly GoldenEvent[];
  readonly volatile: readonly VolatileEvents[];
}

const NO_ACTION = TCG_EVENT_TYPES.EV_NO_ACTION.code;
const SHA256 = HASHES.sha256.algorithm;
const MOK_PCR = 14;
const MAX_LABEL = 256;

/** Of types whose every event is one. */
const REASONS: Readonly<Partial<Record<TcgEventName, string>>> = {
  EV_EFI_VARIABLE_BOOT: 'boot entries and their order change with disks, updates and the choice of a person',
  EV_EFI_VARIABLE_BOOT2: 'boot entries and their order change with disks, updates and the choice of a person',
  EV_EFI_GPT_EVENT: 'partition tables carry identifiers of one disk',
  EV_EFI_GPT_EVENT2: 'partition tables carry identifiers of one disk',
  EV_EFI_HANDOFF_TABLES: 'tables carry serial numbers and addresses of one machine',
  EV_EFI_HANDOFF_TABLES2: 'tables carry serial numbers and addresses of one machine',
};

/** An event before it is known what else its PCR holds. */
interface Measured {
  readonly event: number;
  readonly pcr: number;
  readonly code: number;
  readonly digest: Uint8Array;
  readonly proof: TcgProof;
  readonly text: string;
}

/**
 * What a golden log would have a release list: each event with its digest, but for what is known to be volatile, which is named with a reason.
 * Nothing is dropped; records that extend no PCR are no events.
 *
 * @throws ProtocolError `tcg-log.*`; VerifierError `reference.golden`
 */
export function goldenLog(bytes: Uint8Array): GoldenLog {
  const measured: Measured[] = [];
  const log = replayTcgLog(bytes, nodeCrypto, (record, { proof, text }) => {
    const { index, pcr, type } = record;
    if (index === 0) measured.length = 0;
    if (type === NO_ACTION) return;
    measured.push({ event: index, pcr, code: type, digest: digestOf(record), proof, text: text.text });
  });
  const odd = log.anomalies.find(({ code }) => TCG_ANOMALIES[code].rejects);
  if (odd !== undefined) {
    throw new VerifierError('reference.golden', `${odd.code}, event ${odd.event ?? 0}: ${odd.detail}`);
  }
  const exact = new Map<string, GoldenEvent>();
  const volatile = new Map<string, VolatileEvents>();
  for (const one of measured) {
    const { pcr, code, digest, event, text } = one;
    const name = tcgEventName(code);
    const reason = name === undefined ? undefined : reasonOf(name, one, measured);
    if (name === undefined || reason === undefined) {
      const type = name ?? code;
      const label = (text === '' ? String(type) : text).slice(0, MAX_LABEL);
      exact.set(firmwareKey(pcr, code, digest), { pcr, type, digest: toHex(digest), required: true, label });
      continue;
    }
    const key = firmwareKey(pcr, code, undefined);
    const seen = [...(volatile.get(key)?.seen ?? []), { event, digest: toHex(digest), text }];
    const label = `${name}, any digest`;
    volatile.set(key, { pcr, type: name, volatile: reason, reviewed: false, required: false, label, seen });
  }
  return { exact: [...exact.values()], volatile: [...volatile.values()] };
}

/**
 * Texts that a boot loader hashes are commands and options. Where it hashes files under the same type into the same PCR, an entry for any
 * digest would take any file: nothing is volatile there.
 */
function reasonOf(name: TcgEventName, { pcr, code }: Measured, all: readonly Measured[]): string | undefined {
  if (name !== 'EV_IPL') return REASONS[name];
  if (pcr === MOK_PCR) return 'the state of the keys that the owner of the machine gave to shim';
  const isText = all.every((one) => one.pcr !== pcr || one.code !== code || one.proof !== 'uncovered');
  return isText ? 'commands and options of the boot loader change with its configuration and the kernel' : undefined;
}

function digestOf({ digests, index, pcr }: TcgRecord): Uint8Array {
  const found = digests.find(({ algorithm }) => algorithm === SHA256);
  if (found === undefined) {
    throw new VerifierError('reference.golden', `event ${index} of PCR ${pcr} has no digest of the SHA-256 bank`);
  }
  return found.digest.slice();
}
