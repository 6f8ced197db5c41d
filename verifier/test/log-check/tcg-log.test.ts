import { type HashName, type PcrValues, ProtocolError, toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import type { CheckedLog } from '../../src/log-check/checked-log.ts';
import { TCG_LOG } from '../../src/log-check/tcg-log.ts';
import { FIRMWARE, type FirmwareEvent, firmwareLog, firmwarePcr, framed } from './tcg-file.ts';

const BANKS: readonly HashName[] = ['sha1', 'sha256'];
const LOG = firmwareLog(BANKS, FIRMWARE);

interface Checked extends CheckedLog {
  readonly lines: readonly string[];
}

/** In pieces of 100 bytes at most, however many are asked for. */
function check(log: Uint8Array, given?: PcrValues, bank?: HashName): Checked {
  const lines: string[] = [];
  const read = (start: number, length: number): Uint8Array => log.slice(start, start + Math.min(length, 100));
  return { ...TCG_LOG.check(read, { given, bank, tell: (line) => lines.push(line) }), lines };
}

function valuesOf(bank: HashName, events: readonly FirmwareEvent[], pcrs: readonly number[]): PcrValues {
  return { [bank]: new Map(pcrs.map((pcr) => [pcr, firmwarePcr(bank, events, pcr)])) };
}

describe('check-log of a TCG event log', () => {
  it('lists events in words, with the digest where it does not prove them, and escapes (F-95)', () => {
    const { lines, ok } = check(LOG);
    expect(ok).to.equal(true);
    expect(lines).to.have.length(FIRMWARE.length + 1);
    expect(lines[0]).to.equal('      0  PCR  0  EV_NO_ACTION: Spec ID Event03');
    expect(lines[1]).to.match(
      /^ {6}1 {2}PCR {2}0 {2}EV_POST_CODE: ACPI DATA \[not proven by its digest, sha256 [0-9a-f]{64}\]$/,
    );
    expect(lines[2]).to.equal('      2  PCR  4  EV_EFI_ACTION: Calling EFI Application from Boot Option');
    expect(lines[11]).to.equal('     11  PCR  4  EV_IPL: grub_cmd: boot \\u{202e}');
    expect(lines[12]).to.equal('     12  PCR  4  EV_IPL: 1b5b324a');
    expect(check(LOG, undefined, 'sha1').lines[1]).to.match(/, sha1 [0-9a-f]{40}\]$/);
  });

  it('holds the PCRs of every bank that is given against it', () => {
    const given = { ...valuesOf('sha1', FIRMWARE, [0, 5]), ...valuesOf('sha256', FIRMWARE, [4, 7, 16]) };
    const { ok, compared, pcrs } = check(LOG, given);
    expect(ok).to.equal(true);
    expect(compared).to.deep.equal({ sha1: [0, 5], sha256: [4, 7, 16] });
    expect(Object.keys(pcrs)).to.deep.equal(BANKS);
    expect(pcrs.sha256?.['4']).to.equal(toHex(firmwarePcr('sha256', FIRMWARE, 4)));
    expect(Object.keys(check(LOG, undefined, 'sha256').pcrs)).to.deep.equal(['sha256']);
  });

  it('names the first PCR that does not follow, banks and indices ascending (F-26)', () => {
    const other = FIRMWARE.toSpliced(1, 1);
    const given = valuesOf('sha256', FIRMWARE, [7, 4, 0]);
    const { ok, firstMismatch } = check(firmwareLog(BANKS, other), given);
    expect(ok).to.equal(false);
    expect(firstMismatch).to.deep.equal({
      bank: 'sha256',
      pcr: 4,
      given: toHex(firmwarePcr('sha256', FIRMWARE, 4)),
      replayed: toHex(firmwarePcr('sha256', other, 4)),
    });
  });

  it('explains no PCR of a bank that the log lacks, unless nothing touched it', () => {
    const reset = new Uint8Array(48);
    const given = (pcr: number): PcrValues => ({ sha384: new Map([[pcr, reset]]) });
    expect(check(LOG, given(9)).ok).to.equal(true);
    expect(check(LOG, given(7)).firstMismatch).to.deep.include({ bank: 'sha384', pcr: 7, replayed: null });
    expect(check(LOG, given(17)).ok).to.equal(false);
    expect(check(LOG, undefined, 'sha384').pcrs.sha384).to.deep.include({ 7: null, 9: toHex(reset) });
  });

  it('is told by the newest of several logs, each of which is listed', () => {
    const old = firmwareLog(['sha1'], FIRMWARE.slice(0, 3));
    const file = new Uint8Array([...framed(old), ...framed(LOG)]);
    const { ok, events, facts, lines } = check(file, valuesOf('sha256', FIRMWARE, [0, 4]));
    expect([ok, events, facts['logs']]).to.deep.equal([true, FIRMWARE.length + 1, 2]);
    expect(lines).to.include(`Log 2 of the file, from byte ${4 + old.length + 4}:`);
  });

  it('shows what is odd without rejecting it, but for two separators of one PCR (F-27)', () => {
    const odd = check(firmwareLog(BANKS, FIRMWARE.slice(0, -1)));
    expect(odd.ok).to.equal(true);
    expect(odd.anomalies.map(({ code }) => code)).to.deep.equal(['tcg-event.exit-boot-services']);
    const twice = check(firmwareLog(BANKS, [...FIRMWARE, [7, 'EV_SEPARATOR', Buffer.alloc(4)]]));
    expect(twice.ok).to.equal(false);
    expect(twice.anomalies[0]).to.deep.include({ code: 'tcg-event.separator-duplicate', event: FIRMWARE.length + 1 });
  });

  it('refuses what is none, with the offset in the file (F-19)', () => {
    for (const [log, code, offset] of [
      [LOG.subarray(0, -1), 'tcg-log.truncated', 0],
      [new Uint8Array(65_536), 'tcg-log.empty', 65_536],
      [new Uint8Array(), 'tcg-log.empty', 0],
    ] as const) {
      expect(() => check(log))
        .to.throw(ProtocolError)
        .that.includes(offset === 0 ? { code } : { code, offset });
    }
  });
});
