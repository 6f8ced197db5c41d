import { type CelNumbering, type HashName, type PcrValues, ProtocolError, toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { convertToCel } from '../../src/log-check/cel-convert.ts';
import { CEL_LOG } from '../../src/log-check/cel-log.ts';
import { CEL_ENCODINGS, type CelEncoding } from '../../src/log-check/cel-source.ts';
import type { CheckedLog, LogQuestion, ReadPiece } from '../../src/log-check/checked-log.ts';
import { AGGREGATE, file, imaList, imaPcr } from './ima-file.ts';
import { FIRMWARE, firmwareLog, firmwarePcr, framed } from './tcg-file.ts';

const BANKS: readonly HashName[] = ['sha1', 'sha256'];
const FIRMWARE_LOG = firmwareLog(BANKS, FIRMWARE);
const FILES = [AGGREGATE, file('/init'), file('/var/log', { violation: true }), file('/a\x1b[2J')];
const IMA = { banks: ['sha256'], rule: 'per-bank' } as const;

/** In pieces of 100 bytes at most, however many are asked for. */
function reading(log: Uint8Array): ReadPiece {
  return (start, length) => log.slice(start, start + Math.min(length, 100));
}

function converted(
  from: 'tcg' | 'ima' | 'cel',
  log: Uint8Array,
  to: CelEncoding,
  numbering: CelNumbering = 'per-index',
  ima: Parameters<typeof convertToCel>[1]['ima'] = IMA,
): Uint8Array {
  return convertToCel(reading(log), { from, to, numbering, ima }).bytes;
}

function check(
  log: Uint8Array,
  question: Partial<LogQuestion> = {},
): CheckedLog & { readonly lines: readonly string[] } {
  const lines: string[] = [];
  const asked = { given: undefined, bank: undefined, tell: (line: string) => lines.push(line), ...question };
  return { ...CEL_LOG.check(reading(log), asked), lines };
}

function refusal(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error instanceof ProtocolError ? [error.code, error.offset] : error;
  }
}

const firmwarePcrs: PcrValues = {
  sha256: new Map([0, 4, 5, 7].map((pcr) => [pcr, firmwarePcr('sha256', FIRMWARE, pcr)])),
};
const ima = (templateHash: 'per-bank' | 'padded') => ({ templateHash, kexec: false, keys: undefined });

describe('check-log of a canonical event log', () => {
  for (const encoding of CEL_ENCODINGS) {
    it(`explains the PCRs that the firmware log explains that it was made of (${encoding})`, () => {
      const log = converted('tcg', FIRMWARE_LOG, encoding);
      const { ok, events, facts, lines } = check(log, { given: firmwarePcrs });
      expect(ok).to.equal(true);
      expect(events).to.equal(FIRMWARE.length + 1);
      expect(facts).to.deep.include({ encoding, numbering: 'per-index' });
      expect(lines[0]).to.equal('      0  PCR  0  EV_NO_ACTION: Spec ID Event03');
      const fewer = converted('tcg', firmwareLog(BANKS, FIRMWARE.toSpliced(1, 1)), encoding);
      expect(check(fewer, { given: firmwarePcrs }).firstMismatch).to.deep.include({ bank: 'sha256', pcr: 4 });
    });

    it(`explains the PCRs of an IMA list, and shows violations and escapes (${encoding}) (F-95)`, () => {
      const log = converted('ima', imaList(FILES), encoding);
      const given: PcrValues = { sha256: new Map([[10, imaPcr(FILES, 'sha256', 'per-bank')]]) };
      const right = check(log, { given, ima: ima('per-bank') });
      expect(right.ok).to.equal(true);
      expect(right.facts['violations']).to.equal(1);
      expect(right.lines[2]).to.match(/ \/var\/log \[VIOLATION\]$/);
      expect(right.lines[3]).to.include('/a\\u{1b}[2J');
      const other = check(log, { given, ima: ima('padded') });
      expect(other.ok).to.equal(false);
      expect(other.anomalies[0]).to.include({ code: 'cel-record.digest', event: 0 });
    });

    it(`is the same after a conversion to ${encoding} and back`, () => {
      for (const log of [converted('tcg', FIRMWARE_LOG, 'tlv'), converted('ima', imaList(FILES), 'tlv')])
        expect(toHex(converted('cel', converted('cel', log, encoding), 'tlv'))).to.equal(toHex(log));
    });

    it(`accepts the one numbering that is told (${encoding})`, () => {
      const log = converted('tcg', FIRMWARE_LOG, encoding, 'global');
      expect(check(log, { celNumbering: 'global', given: firmwarePcrs }).ok).to.equal(true);
      expect((refusal(() => check(log)) as readonly unknown[])[0]).to.equal('cel.recnum');
      expect((refusal(() => converted('cel', log, 'tlv')) as readonly unknown[])[0]).to.equal('cel.recnum');
    });

    it(`refuses a log that is cut off, with its offset (${encoding}) (F-19)`, () => {
      const log = converted('tcg', FIRMWARE_LOG, encoding);
      const [code] = refusal(() => check(log.subarray(0, -5))) as readonly unknown[];
      expect(code).to.equal(encoding === 'json' ? 'cel.json' : 'cel.truncated');
    });
  }

  it('refuses what is no such log', () => {
    expect(refusal(() => check(new Uint8Array()))).to.deep.equal(['cel.truncated', 0]);
    expect(refusal(() => check(Uint8Array.of(0x7f)))).to.deep.equal(['cel.malformed', 0]);
  });

  it('is made of the newest log of a file with several, without records that have no PCR', () => {
    const logs = [FIRMWARE_LOG, firmwareLog(BANKS, FIRMWARE.slice(0, 3))];
    const file = new Uint8Array(Buffer.concat(logs.map((log) => framed(log))));
    expect(check(converted('tcg', file, 'tlv')).events).to.equal(4);
  });

  it('is not made of an IMA list whose entry shows another template digest', () => {
    const list = imaList(FILES);
    const lying = list.with(10, (list[10] ?? 0) === 0x30 ? 0x31 : 0x30);
    expect(refusal(() => converted('ima', lying, 'tlv'))).to.deep.equal(['ima.malformed', 0]);
  });
});
