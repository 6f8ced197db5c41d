import { expect } from 'chai';
import fc from 'fast-check';
import { toHex, utf8 } from '../../src/bytes/text.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { type ReplayedTcgLog, replayTcgLog } from '../../src/tcg-log/replayed-log.ts';
import { HASHES, type HashName } from '../../src/tpm/constants.ts';
import { flipped } from '../mutation.ts';
import { expectRefusal, unlessRefused } from '../refusal.ts';
import { BOOT } from './boot.ts';
import {
  agileLog,
  agileRecord,
  concat,
  type Event,
  eventDigest,
  extended,
  framed,
  header,
  locality,
  separator,
  sha1Record,
} from './log-builder.ts';

const SEED = 40_402;
const BANKS: readonly HashName[] = ['sha1', 'sha256', 'sha384', 'sha512'];

function replay(file: Uint8Array): ReplayedTcgLog {
  return replayTcgLog(file, nodeCrypto);
}

function hexOf(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : toHex(value);
}

/** Values of a bank by the definition of extend, from the events themselves. */
function expectedPcrs(bank: HashName, events: readonly Event[], start?: Uint8Array): readonly string[] {
  return Array.from({ length: 24 }, (_, pcr) => {
    const own = events.filter((event) => event.pcr === pcr && event.type !== 'EV_NO_ACTION');
    const ones = pcr >= 17 && pcr <= 22 ? new Uint8Array(HASHES[bank].size).fill(0xff) : undefined;
    const digests = own.map((event) => eventDigest(event, bank));
    return toHex(extended(bank, digests, pcr === 0 ? (start ?? ones) : ones));
  });
}

function startOf(bank: HashName, value: number): Uint8Array {
  return new Uint8Array(HASHES[bank].size).fill(value, -1);
}

const EVENT = { pcr: 0, type: 'EV_S_CRTM_VERSION', data: utf8('1') } as const;

describe('the replay of a TCG event log', () => {
  it('leads every bank to the values that the definition of extend gives, by either implementation of the hashes', () => {
    const file = agileLog(BANKS, BOOT);
    for (const hashes of [nodeCrypto, nobleCrypto]) {
      const { pcrs, banks, records } = replayTcgLog(file, hashes);
      expect(records).to.equal(BOOT.length + 1);
      expect(banks).to.deep.equal(BANKS);
      for (const bank of BANKS) expect(pcrs[bank].map(hexOf)).to.deep.equal(expectedPcrs(bank, BOOT));
    }
    const old = replay(concat(header(2), ...BOOT.map(sha1Record)));
    expect([old.format, old.banks]).to.deep.equal(['sha1', ['sha1']]);
    expect(old.pcrs.sha1.map(hexOf)).to.deep.equal(expectedPcrs('sha1', BOOT));
  });

  it('knows which PCRs follow from the log in which bank, where records leave banks out', () => {
    const events = [
      { ...separator(1), banks: ['sha256'] },
      { ...separator(2), banks: ['sha1', 'sha256'] },
    ] as const;
    const { pcrs } = replay(agileLog(['sha1', 'sha256', 'sha384'], events));
    expect(pcrs.sha256.map(hexOf)).to.deep.equal(expectedPcrs('sha256', events));
    expect(hexOf(pcrs.sha1[2])).to.equal(expectedPcrs('sha1', events)[2]);
    const unexplained = { sha1: [1], sha256: [], sha384: [1, 2], sha512: [1, 2] };
    for (const bank of BANKS) {
      const open = pcrs[bank].flatMap((value, pcr) => (value === undefined ? [pcr] : []));
      expect(open, bank).to.deep.equal(unexplained[bank]);
    }
  });

  it('never makes a PCR follow again once an event lacked its bank', () => {
    const { pcrs } = replay(agileLog(['sha1', 'sha256'], [{ ...separator(1), banks: ['sha256'] }, separator(1)]));
    expect(pcrs.sha1[1]).to.equal(undefined);
  });

  it('begins PCR 0 with the locality that the log names', () => {
    for (const value of [0, 3, 4]) {
      const { pcrs, startupLocality } = replay(agileLog(BANKS, [locality(value), EVENT]));
      expect(startupLocality).to.equal(value);
      for (const bank of BANKS) {
        expect(hexOf(pcrs[bank][0])).to.equal(expectedPcrs(bank, [EVENT], startOf(bank, value))[0]);
      }
    }
    expect(hexOf(replay(sha1Record(locality(3))).pcrs.sha1[0])).to.equal(toHex(startOf('sha1', 3)));
  });

  it('takes the locality of another PCR, or of a record that extends, for what it is: no locality', () => {
    const other = { ...locality(3), pcr: 1 };
    const extending = { ...locality(3), type: 'EV_ACTION' } as const;
    for (const event of [other, extending]) {
      expect(replay(agileLog(BANKS, [event])).startupLocality).to.equal(undefined);
    }
  });

  it('refuses a locality that there is not, that stands twice, or that comes too late', () => {
    const base = header(3, ['sha256']);
    const record = (event: Event): Uint8Array => agileRecord(event, ['sha256']);
    const first = record(locality(3));
    const long = record({ ...locality(3), data: concat(locality(3).data, Uint8Array.of(0)) });
    const short = record({ ...locality(3), data: locality(3).data.subarray(0, 16) });
    for (const [before, wrong] of [
      [[], record(locality(1))],
      [[], record(locality(5))],
      [[], long],
      [[], short],
      [[first], first],
      [[record(EVENT)], first],
    ] as const) {
      const head = concat(base, ...before);
      expectRefusal(() => replay(concat(head, wrong)), 'tcg-log.startup-locality', head.length);
    }
    expect(replay(concat(base, record(separator(1)), first)).startupLocality).to.equal(3);
  });

  it('begins PCR 0 with 4 where an H-CRTM comes first, named or not', () => {
    const hcrtm: Event = { pcr: 0, type: 'EV_EFI_HCRTM_EVENT', data: utf8('HCRTM'), hashed: utf8('the H-CRTM') };
    for (const events of [
      [locality(4), hcrtm, EVENT],
      [hcrtm, EVENT],
    ]) {
      const { pcrs, anomalies } = replay(agileLog(BANKS, events));
      expect(hexOf(pcrs.sha256[0])).to.equal(expectedPcrs('sha256', [hcrtm, EVENT], startOf('sha256', 4))[0]);
      expect(anomalies.map(({ code }) => code)).not.to.include('tcg-event.hcrtm');
    }
    for (const events of [[EVENT, hcrtm], [locality(3), hcrtm], [{ ...hcrtm, pcr: 1 }]]) {
      const { pcrs, anomalies } = replay(agileLog(BANKS, events));
      expect(anomalies.map(({ code }) => code)).to.include('tcg-event.hcrtm');
      const start = events.length === 2 && events[0]?.type === 'EV_NO_ACTION' ? startOf('sha256', 3) : undefined;
      expect(pcrs.sha256.map(hexOf)).to.deep.equal(expectedPcrs('sha256', events, start));
    }
  });

  it('extends nothing by EV_NO_ACTION, whatever its digest says', () => {
    const silent: Event = { pcr: 4, type: 'EV_NO_ACTION', data: utf8('x'), hashed: utf8('x') };
    const last: Event = { ...silent, pcr: 0xffffffff };
    const { pcrs, records } = replay(agileLog(BANKS, [silent, last]));
    expect(records).to.equal(3);
    for (const bank of BANKS) expect(pcrs[bank].map(hexOf)).to.deep.equal(expectedPcrs(bank, []));
  });

  it('explains the PCRs by the newest of several logs alone', () => {
    const { pcrs, logs, records, anomalies } = replay(
      framed(agileLog(BANKS, [separator(0), separator(0)]), agileLog(['sha256'], BOOT)),
    );
    expect([logs, records, anomalies]).to.deep.equal([2, BOOT.length + 1, []]);
    expect(pcrs.sha256.map(hexOf)).to.deep.equal(expectedPcrs('sha256', BOOT));
    expect(pcrs.sha1[7]).to.equal(undefined);
  });

  it('shows every changed bit: another value, an anomaly or a refusal, but for types and data that no digest covers (F-26, F-27)', () => {
    const file = agileLog(['sha256'], BOOT);
    const honest = replay(file);
    const fields = new Map<number, string>();
    replayTcgLog(file, nodeCrypto, (record, { proof }) => {
      const data = record.offset + (record.index === 0 ? 32 : 12 + 34 + 4);
      for (let at = record.offset + 4; at < record.offset + 8; at++) fields.set(at, 'type');
      if (proof !== 'covered') for (let at = data; at < data + record.data.length; at++) fields.set(at, 'data');
    });
    const property = fc.property(fc.nat(8 * file.length - 1), (bit) => {
      const changed = unlessRefused(() => replay(flipped(file, bit)));
      if (changed === undefined || fields.has(bit >> 3)) return;
      const values = (log: ReplayedTcgLog): readonly unknown[] => log.pcrs.sha256.map(hexOf);
      const shows = JSON.stringify(values(changed)) !== JSON.stringify(values(honest)) || changed.anomalies.length > 0;
      expect(shows, `bit ${bit}`).to.equal(true);
    });
    fc.assert(property, { seed: SEED, numRuns: 600 });
  });
});
