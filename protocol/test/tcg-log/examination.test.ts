import { expect } from 'chai';
import { utf8 } from '../../src/bytes/text.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { TCG_ANOMALIES, type TcgAnomalyCode } from '../../src/tcg-log/anomaly.ts';
import type { TcgProof } from '../../src/tcg-log/coverage.ts';
import { TCG_EVENT_TYPES, tcgCoverage, tcgEventName } from '../../src/tcg-log/event-type.ts';
import { type ReplayedTcgLog, replayTcgLog } from '../../src/tcg-log/replayed-log.ts';
import { UEFI_VENDOR } from '../../src/tcg-log/uefi-variable.ts';
import type { HashName } from '../../src/tpm/constants.ts';
import { BOOT, SECURE_BOOT } from './boot.ts';
import {
  action,
  agileLog,
  concat,
  type Event,
  header,
  le,
  separator,
  sha1Record,
  unknownHeader,
  variable,
} from './log-builder.ts';

const BANKS: readonly HashName[] = ['sha1', 'sha256'];

function examine(events: readonly Event[]): ReplayedTcgLog {
  return replayTcgLog(agileLog(BANKS, events), nodeCrypto);
}

/** Codes beside those of the honest boot, each with the record it names. */
function oddities(events: readonly Event[]): readonly (readonly [TcgAnomalyCode, number | undefined])[] {
  return examine(events).anomalies.map(({ code, event }) => [code, event]);
}

/** Of one event between header and boot, by itself. */
function proofOf(event: Event): TcgProof | undefined {
  let found: TcgProof | undefined;
  replayTcgLog(agileLog(BANKS, [event]), nodeCrypto, ({ index }, { proof }) => {
    if (index === 1) found = proof;
  });
  return found;
}

const DBX = SECURE_BOOT[4] ?? separator(7);

describe('the types of TCG events', () => {
  it('have one code each, and data that the digest does not cover unless the table says so (F-27)', () => {
    const codes = Object.values(TCG_EVENT_TYPES).map(({ code }) => code);
    expect(new Set(codes).size).to.equal(codes.length);
    for (const code of [0x14, 0x500, 0x8000000e, 0xffffffff]) {
      expect(tcgEventName(code)).to.equal(undefined);
      expect(tcgCoverage(code)).to.equal('none');
    }
    const names = Object.entries(TCG_EVENT_TYPES);
    const uncovered = names.flatMap(([name, { coverage }]) => (coverage === 'none' ? [name] : []));
    for (const name of ['EV_EFI_BOOT_SERVICES_APPLICATION', 'EV_EFI_PLATFORM_FIRMWARE_BLOB', 'EV_POST_CODE']) {
      expect(uncovered).to.include(name);
    }
    for (const [, { section }] of names) expect(section).to.match(/^10\.4(\.\d+)?$/);
  });

  it('decide what a digest proves of the data', () => {
    const text = utf8('grub_cmd: set a=b\0');
    const boot = variable(UEFI_VENDOR.global, 'BootOrder', Uint8Array.of(1, 0));
    const other = utf8('other');
    const cases: readonly (readonly [Event['type'], Uint8Array, Uint8Array, TcgProof])[] = [
      ['EV_EFI_ACTION', other, other, 'covered'],
      ['EV_EFI_ACTION', text, other, 'contradicted'],
      ['EV_IPL', text, text, 'covered'],
      ['EV_IPL', text, utf8('set a=b'), 'partly'],
      ['EV_IPL', text, utf8('grub_cmd: set a=b'), 'partly'],
      ['EV_IPL', text, other, 'uncovered'],
      ['EV_EVENT_TAG', text, utf8('set a=b'), 'uncovered'],
      ['EV_EFI_VARIABLE_BOOT', boot, boot, 'covered'],
      ['EV_EFI_VARIABLE_BOOT', boot, Uint8Array.of(1, 0), 'partly'],
      ['EV_EFI_VARIABLE_BOOT2', boot, Uint8Array.of(1, 0), 'contradicted'],
      ['EV_EFI_VARIABLE_AUTHORITY', concat(boot, Uint8Array.of(0xaf)), boot, 'partly'],
      ['EV_EFI_VARIABLE_AUTHORITY', text, other, 'contradicted'],
      ['EV_POST_CODE', other, other, 'uncovered'],
      [0x1234, other, other, 'uncovered'],
      ['EV_NO_ACTION', other, other, 'uncovered'],
    ];
    for (const [type, data, hashed, proof] of cases) {
      expect(proofOf({ pcr: 8, type, data, hashed }), `${type} ${proof}`).to.equal(proof);
    }
  });

  it('proves nothing by digests of banks that nobody knows', () => {
    const record = concat(
      le(5, 4),
      le(0x80000007, 4),
      le(1, 4),
      le(0x7000, 2),
      new Uint8Array(32),
      le(1, 4),
      utf8('x'),
    );
    const { anomalies } = replayTcgLog(concat(unknownHeader(1, 32), record), nodeCrypto, ({ index }, { proof }) => {
      if (index === 1) expect(proof).to.equal('uncovered');
    });
    expect(anomalies.map(({ code }) => code)).not.to.include('tcg-event.data-digest');
  });

  it('is proven in every bank of the record or not at all', () => {
    const right = action(4, 'x');
    expect(proofOf({ ...right, digests: { sha1: new Uint8Array(20) } })).to.equal('contradicted');
    expect(proofOf({ ...right, digests: { sha256: new Uint8Array(32) } })).to.equal('contradicted');
  });
});

describe('what is odd about a TCG event log', () => {
  it('is nothing in an ordinary boot, in either format', () => {
    expect(oddities(BOOT)).to.deep.equal([]);
    const trailing: Event = { pcr: 0xffffffff, type: 'EV_NO_ACTION', data: utf8('x'), hashed: utf8('x') };
    expect(oddities([...BOOT, trailing])).to.deep.equal([]);
    const old = replayTcgLog(concat(header(2), ...BOOT.map(sha1Record)), nodeCrypto);
    expect(old.anomalies).to.deep.equal([]);
    expect(old.secureBoot.secureBoot).to.equal('enabled');
  });

  it('is named with its code and its record', () => {
    const at = BOOT.length + 1;
    const cases: readonly (readonly [Event, TcgAnomalyCode])[] = [
      [{ pcr: 8, type: 0x7777, data: utf8('x') }, 'tcg-event.type'],
      [{ ...action(5, 'a'), hashed: utf8('b') }, 'tcg-event.data-digest'],
      [{ pcr: 1, type: 'EV_EFI_VARIABLE_BOOT2', data: utf8('short') }, 'tcg-event.form'],
      [{ pcr: 3, type: 'EV_NO_ACTION', data: utf8('x'), hashed: utf8('x') }, 'tcg-event.no-action-digest'],
      [{ pcr: 8, type: 'EV_IPL', data: utf8('x'), banks: ['sha1'] }, 'tcg-event.bank-missing'],
      [separator(3), 'tcg-event.separator-duplicate'],
      [action(6, 'late'), 'tcg-event.late'],
      [DBX, 'tcg-event.secure-boot-late'],
    ];
    for (const [event, code] of cases) expect(oddities([...BOOT, event]), code).to.deep.equal([[code, at]]);
  });

  it('rejects a log with two separators of one PCR, whatever it replays to; nothing else does (F-27)', () => {
    expect(examine([...BOOT, separator(0)]).isRejected).to.equal(true);
    expect(examine([...BOOT, separator(8), separator(8)]).isRejected).to.equal(false);
    const rejecting = Object.entries(TCG_ANOMALIES).filter(([, { rejects }]) => rejects);
    expect(rejecting.map(([code]) => code)).to.deep.equal(['tcg-event.separator-duplicate']);
  });

  it('are separators that mark an error, told by the data or by the digest, and those of other content', () => {
    const withSeparator = (data: Uint8Array, hashed = data): readonly Event[] =>
      BOOT.map((event) => (event.type === 'EV_SEPARATOR' && event.pcr === 2 ? { ...event, data, hashed } : event));
    const index = BOOT.findIndex(({ type, pcr }) => type === 'EV_SEPARATOR' && pcr === 2) + 1;
    const error = Uint8Array.of(1, 0, 0, 0);
    expect(oddities(withSeparator(error))).to.deep.equal([['tcg-event.separator-error', index]]);
    expect(oddities(withSeparator(utf8('no memory'), error))).to.deep.include(['tcg-event.separator-error', index]);
    expect(oddities(withSeparator(utf8('free')))).to.deep.equal([['tcg-event.separator-data', index]]);
    for (const right of [new Uint8Array(4).fill(0xff), Uint8Array.of(0xff)]) {
      expect(oddities(withSeparator(right))).to.deep.equal([]);
    }
  });

  it('is what is missing at its end: separators, and that boot services were left', () => {
    const unseparated = BOOT.filter(({ type, pcr }) => !(type === 'EV_SEPARATOR' && (pcr === 3 || pcr === 6)));
    const { anomalies } = examine(unseparated);
    expect(anomalies.map(({ code }) => code)).to.deep.equal(['tcg-event.separator-missing']);
    expect(anomalies[0]?.detail).to.equal('PCR 3, 6');
    const exit = BOOT.filter(({ data }) => !Buffer.from(data).toString().startsWith('Exit Boot Services Inv'));
    expect(oddities(exit)).to.deep.equal([['tcg-event.exit-boot-services', undefined]]);
    const told = BOOT.map((event) => (exit.includes(event) ? event : { ...event, hashed: utf8('another event') }));
    expect(oddities(told).map(([code]) => code)).to.include('tcg-event.exit-boot-services');
    expect(oddities([{ pcr: 8, type: 'EV_IPL', data: utf8('x') }])).to.deep.equal([]);
  });

  it('tells a bank that is missing once', () => {
    const lacking: Event = { pcr: 8, type: 'EV_IPL', data: utf8('x'), banks: ['sha256'] };
    expect(oddities([...BOOT, lacking, lacking])).to.deep.equal([['tcg-event.bank-missing', BOOT.length + 1]]);
  });

  it('is kept up to a bound, however much of it there is (F-29)', () => {
    const odd: Event = { pcr: 8, type: 0x7777, data: new Uint8Array() };
    const { anomalies, anomaliesLeftOut } = examine(Array.from({ length: 1500 }, () => odd));
    expect([anomalies.length, anomaliesLeftOut]).to.deep.equal([1000, 500]);
  });
});

describe('secure boot in a TCG event log', () => {
  const all = { SecureBoot: 'present', PK: 'present', KEK: 'present', db: 'present', dbx: 'empty' } as const;

  function withSecureBoot(value: Uint8Array, hashed?: Uint8Array): readonly Event[] {
    const data = variable(UEFI_VENDOR.global, 'SecureBoot', value);
    const event = { pcr: 7, type: 'EV_EFI_VARIABLE_DRIVER_CONFIG', data, hashed: hashed ?? data } as const;
    return BOOT.map((one) => (one === SECURE_BOOT[0] ? event : one));
  }

  it('is what the variables of PCR 7 say', () => {
    expect(examine(BOOT).secureBoot).to.deep.equal({ secureBoot: 'enabled', variables: all, afterSeparator: [] });
    for (const [value, state] of [
      [Uint8Array.of(0), 'disabled'],
      [new Uint8Array(), 'disabled'],
      [Uint8Array.of(2), 'unknown'],
      [Uint8Array.of(1, 0), 'unknown'],
    ] as const) {
      expect(examine(withSecureBoot(value)).secureBoot.secureBoot, String(value)).to.equal(state);
    }
    expect(examine([]).secureBoot.secureBoot).to.equal('unknown');
  });

  it('is unknown where the digest does not prove it, or the variable is one of another vendor or PCR (F-27)', () => {
    const forged = withSecureBoot(Uint8Array.of(1), utf8('disabled'));
    expect(examine(forged).secureBoot).to.deep.include({ secureBoot: 'unknown' });
    const [first = separator(7)] = SECURE_BOOT;
    const foreign = { ...first, data: variable(UEFI_VENDOR.shim, 'SecureBoot', Uint8Array.of(1)) };
    const longer = { ...first, data: concat(first.data, Uint8Array.of(0)) };
    for (const event of [foreign, longer, { ...first, pcr: 1 }, { ...first, type: 'EV_EFI_VARIABLE_BOOT2' } as const]) {
      expect(examine([event]).secureBoot.variables.SecureBoot).to.equal('unknown');
    }
  });

  it('is unknown where it was measured twice with different values, and what comes late is listed', () => {
    const off = { ...SECURE_BOOT[0], data: variable(UEFI_VENDOR.global, 'SecureBoot', Uint8Array.of(0)) } as Event;
    const twice = [off, ...BOOT];
    expect(examine(twice).secureBoot.secureBoot).to.equal('unknown');
    expect(oddities(twice).map(([code]) => code)).to.deep.equal(['tcg-event.secure-boot-repeated']);
    const late = examine([...BOOT, off, DBX, DBX]);
    expect(late.secureBoot).to.deep.include({ secureBoot: 'unknown', afterSeparator: ['SecureBoot', 'dbx'] });
  });
});
