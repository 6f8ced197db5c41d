import { type ReasonCode, utf8 } from '@mtm-attest/protocol';
import { bytes, fill, flipped } from '../bytes.ts';
import type { DraftTest } from '../draft.ts';
import { sha256 } from '../keys.ts';
import { type FirmwareEvent, firmwareLog } from './firmware-log.ts';
import { imaList, type ListEntry } from './ima-list.ts';
import {
  aggregate,
  bootLoader,
  bootOrder,
  CRTM,
  DAEMON,
  FIRMWARE,
  file,
  HONEST,
  INIT,
  keyIdOf,
  LIST,
  LOADER,
  type Machine,
  machineAtRuntime,
  machineAtTheGate,
  SIGNER,
  STRANGER,
  separator,
  signedFile,
  UNKNOWN,
} from './machine.ts';
import type { Flag } from './notes.ts';
import { quotedPcrs, type Scene } from './scene.ts';
import { AUDIT, RUNTIME_BEFORE, trusted, undecided, untrusted } from './verdicts.ts';

const FOREIGN = file('/home/user/miner');

/** Firmware logs and IMA lists (SPEC.md 7.8). */
export function platformTests(): readonly DraftTest[] {
  return [...honestMachines(), ...firmwareTests(), ...valueTests(), ...listTests(), ...progressTests()];
}

function withFirmware(firmware: readonly FirmwareEvent[]): Machine {
  return { firmware, list: [aggregate(firmware), INIT] };
}

function withList(...entries: readonly ListEntry[]): Machine {
  return { ...HONEST, list: [...LIST, ...entries] };
}

function honestMachines(): readonly DraftTest[] {
  const otherOrder = FIRMWARE.map((event) =>
    event.pcr === 1 && event.data.length > 4 ? bootOrder(bytes('0000 0100')) : event,
  );
  const longer = imaList([...LIST, DAEMON, FOREIGN]);
  return [
    trusted('a machine with a firmware log and an IMA list', machineAtTheGate(HONEST)),
    trusted('another order of boot entries', machineAtTheGate(withFirmware(otherOrder))),
    trusted(
      'zeros behind the firmware log',
      machineAtTheGate({ ...HONEST, sentFirmware: bytes(firmwareLog(FIRMWARE), fill(64, 0)) }),
    ),
    trusted('an event that extends nothing', machineAtTheGate({ ...HONEST, sentFirmware: withNoAction() })),
    trusted('entries that came after the quote', machineAtTheGate({ ...HONEST, sentList: longer }), ['Slow']),
    trusted('a file by a listed signer', machineAtTheGate(withList(signedFile('/opt/tool', SIGNER)))),
    trusted('a file below an exclude', machineAtTheGate(withList(file('/var/tmp/x')))),
    trusted('a listed file in an audit', machineAtRuntime([DAEMON])),
    trusted('nothing new in an audit', machineAtRuntime([], null)),
    trusted('entries after the quote of an audit', machineAtRuntime([DAEMON], [DAEMON, FOREIGN]), ['Slow']),
  ];
}

function withNoAction(): Uint8Array {
  return firmwareLog([{ pcr: 0, type: 'EV_NO_ACTION', data: utf8('note'), digest: fill(32, 0) }, ...FIRMWARE]);
}

function firmware(
  comment: string,
  flag: Flag,
  code: ReasonCode,
  machine: Machine,
  change: Partial<Scene> = {},
): DraftTest {
  return untrusted(comment, flag, code, machineAtTheGate(machine, change));
}

/** What the firmware measured (F-26, F-27). */
function firmwareTests(): readonly DraftTest[] {
  const replaced = (from: FirmwareEvent, to: FirmwareEvent): readonly FirmwareEvent[] =>
    FIRMWARE.map((event) => (event === from ? to : event));
  const relabelled: FirmwareEvent = {
    ...bootOrder(bytes('0200')),
    pcr: 4,
    digest: bootLoader('boot kit').digest ?? fill(32, 0),
  };
  const log = firmwareLog(FIRMWARE);
  return [
    firmware(
      'a boot loader that is not listed',
      'Event',
      'firmware.unlisted',
      withFirmware(replaced(LOADER, bootLoader('boot kit'))),
    ),
    firmware('an event more', 'Event', 'firmware.unlisted', withFirmware([...FIRMWARE, bootLoader('boot kit')])),
    firmware(
      'the boot loader of release 4',
      'Event',
      'firmware.unlisted',
      withFirmware(replaced(LOADER, bootLoader('boot loader of release 4'))),
    ),
    firmware(
      'a boot loader shown as a variable, which any digest would be taken of',
      'Event',
      'firmware.unlisted',
      withFirmware([...FIRMWARE, relabelled]),
    ),
    firmware(
      'a listed digest in another PCR',
      'Event',
      'firmware.unlisted',
      withFirmware([...FIRMWARE, { ...LOADER, pcr: 5 }]),
    ),
    firmware(
      'an event of an unknown type, of which any digest is listed',
      'Event',
      'firmware.unlisted',
      withFirmware([...FIRMWARE, { pcr: 5, type: UNKNOWN, data: utf8('x') }]),
    ),
    firmware(
      'no version of the CRTM',
      'Event',
      'firmware.missing',
      withFirmware(FIRMWARE.filter((event) => event !== CRTM)),
    ),
    firmware('a second separator in a PCR', 'Event', 'firmware.malformed', withFirmware([...FIRMWARE, separator(4)])),
    firmware('the log cut off in a record', 'LogReplay', 'firmware.malformed', {
      ...HONEST,
      sentFirmware: log.subarray(0, -7),
    }),
    firmware('no log in the bytes', 'LogReplay', 'firmware.malformed', { ...HONEST, sentFirmware: fill(40, 1) }),
    firmware('the last event left out', 'LogReplay', 'log.replay', {
      ...HONEST,
      sentFirmware: firmwareLog(FIRMWARE.slice(0, -1)),
    }),
    firmware('an event shown as the listed one', 'LogReplay', 'log.replay', {
      ...withFirmware(replaced(LOADER, bootLoader('boot kit'))),
      sentFirmware: log,
    }),
    firmware('no firmware log, and PCRs that were extended', 'LogReplay', 'log.replay', {
      ...HONEST,
      sentFirmware: undefined,
    }),
    firmware('no firmware log, and nothing was extended', 'Absent', 'platform-log.missing', {
      ...withFirmware([]),
      sentFirmware: undefined,
    }),
  ];
}

/** The PCR values that the terminal sends beside the quote. */
function valueTests(): readonly DraftTest[] {
  const scene = machineAtTheGate(HONEST);
  const sends = (comment: string, code: ReasonCode, pcrs: Uint8Array | null): DraftTest =>
    untrusted(comment, 'LogReplay', code, { ...scene, platform: { asked: {}, ...scene.platform, pcrs } });
  return [
    sends('no PCR values', 'evidence.malformed', null),
    sends('a PCR value less', 'evidence.malformed', quotedPcrs(scene).subarray(32)),
    sends('a bit of a PCR value flipped', 'log.replay', flipped(quotedPcrs(scene), 8 * 40)),
    untrusted(
      'logs and values that belong together, and a quote over others',
      'LogReplay',
      'log.replay',
      machineAtTheGate(
        { firmware: [...FIRMWARE, bootLoader('boot kit')], list: LIST, sentFirmware: firmwareLog(FIRMWARE) },
        {
          platform: {
            asked: { firmware: true, ima: 0 },
            firmware: firmwareLog(FIRMWARE),
            ima: imaList(LIST),
            pcrs: quotedPcrs(scene),
          },
        },
      ),
    ),
  ];
}

function list(comment: string, flag: Flag, code: ReasonCode, machine: Machine): DraftTest {
  return untrusted(comment, flag, code, machineAtTheGate(machine));
}

/** What the kernel measured (F-26, F-27). */
function listTests(): readonly DraftTest[] {
  const inPcr10: Scene['extended'] = [...RUNTIME_BEFORE.slice(0, -1), [10, { type: 'ready' }], AUDIT];
  return [
    list('a file that is not listed', 'Entry', 'ima.unlisted', withList(FOREIGN)),
    list('a listed file with another digest', 'Entry', 'ima.unlisted', withList(file('/usr/bin/daemon', 'altered'))),
    list('the digest of release 4', 'Entry', 'ima.unlisted', withList(file('/usr/bin/daemon', 'daemon of release 4'))),
    list(
      'a listed digest under another path',
      'Entry',
      'ima.unlisted',
      withList({ ...DAEMON, path: '/usr/bin/other' }),
    ),
    list('a file by a signer that is not listed', 'Entry', 'ima.unlisted', withList(signedFile('/opt/tool', STRANGER))),
    list(
      'a stranger that names the key of the signer',
      'Entry',
      'ima.unlisted',
      withList(signedFile('/opt/tool', STRANGER, keyIdOf(SIGNER))),
    ),
    list(
      'a signature over another file',
      'Entry',
      'ima.unlisted',
      withList({ ...signedFile('/opt/tool', SIGNER), digest: sha256(utf8('altered')) }),
    ),
    list('a path that contains an exclude', 'Entry', 'ima.unlisted', withList(file('/home/var/tmp/x'))),
    list('a second boot aggregate', 'Entry', 'ima.unlisted', withList(aggregate(FIRMWARE))),
    list('a violation', 'Entry', 'ima.violation', withList({ ...INIT, isViolation: true })),
    list(
      'a template digest that is not that of the data',
      'Entry',
      'ima.template-digest',
      withList({ ...DAEMON, shown: fill(20, 9) }),
    ),
    list('an entry in another PCR', 'Entry', 'ima.malformed', {
      ...HONEST,
      list: [...LIST, DAEMON],
      sentList: imaList([...LIST, { ...FOREIGN, pcr: 9 }, DAEMON]),
    }),
    list('an entry of an unknown template', 'Entry', 'ima.malformed', withList({ ...DAEMON, template: 'unknown' })),
    list('the aggregate of another boot', 'Entry', 'ima.boot-aggregate', {
      ...HONEST,
      list: [aggregate([...FIRMWARE, LOADER]), INIT],
    }),
    list('no boot aggregate', 'Entry', 'ima.boot-aggregate', { ...HONEST, list: [INIT] }),
    list('the list cut off in an entry', 'LogReplay', 'ima.malformed', {
      ...HONEST,
      sentList: imaList(LIST).subarray(0, -3),
    }),
    list('an entry left out', 'LogReplay', 'log.replay', { ...withList(DAEMON), sentList: imaList(LIST) }),
    list('an entry renamed', 'LogReplay', 'log.replay', {
      ...withList(FOREIGN),
      sentList: imaList([...LIST, DAEMON]),
    }),
    list('PCR 10 at its reset value beside a list', 'LogReplay', 'log.replay', {
      ...HONEST,
      list: [],
      sentList: imaList(LIST),
    }),
    list('no list, and PCR 10 was extended', 'LogReplay', 'log.replay', { ...HONEST, sentList: undefined }),
    list('no list, and PCR 10 was not extended', 'Absent', 'platform-log.missing', {
      ...HONEST,
      list: [],
      sentList: undefined,
    }),
    list('an empty list', 'Absent', 'platform-log.missing', { ...HONEST, list: [], sentList: fill(0, 0) }),
    untrusted(
      'an event of our own log in PCR 10',
      'LogReplay',
      'log.replay',
      machineAtTheGate(HONEST, { extended: inPcr10 }),
    ),
    untrusted(
      'an event of our own log in PCR 10 that was never extended',
      'LogReplay',
      'log.replay',
      machineAtTheGate(HONEST, { sent: inPcr10 }),
    ),
  ];
}

/** From one audit to the next (F-28). */
function progressTests(): readonly DraftTest[] {
  const changed = machineAtRuntime([DAEMON]);
  const previous = changed.previous === undefined ? undefined : { ...changed.previous, referenceUnchanged: false };
  const lacking = machineAtRuntime([]).previous;
  return [
    untrusted('a file that is not listed, in an audit', 'Entry', 'ima.unlisted', machineAtRuntime([FOREIGN])),
    untrusted('an entry left out in an audit', 'LogReplay', 'log.replay', machineAtRuntime([FOREIGN], [])),
    untrusted('a new entry not shown at all in an audit', 'LogReplay', 'log.replay', machineAtRuntime([FOREIGN], null)),
    untrusted(
      'a quote that stays behind what was seen',
      'Behind',
      'ima.behind',
      machineAtRuntime([DAEMON], [DAEMON, INIT], 4),
    ),
    undecided('files withdrawn since the entries behind the cursor were appraised', 'state.conflict', {
      ...changed,
      previous,
    }),
    untrusted('a whole list without the accepted entries', 'RolledBack', 'identity.rolled-back', {
      ...machineAtTheGate({ ...HONEST, list: [aggregate(FIRMWARE), DAEMON] }),
      previous: lacking,
      extended: [...RUNTIME_BEFORE, AUDIT],
    }),
    trusted('a whole log with the accepted events and entries', {
      ...machineAtTheGate(HONEST),
      previous: lacking,
      extended: [...RUNTIME_BEFORE, AUDIT],
    }),
  ];
}
