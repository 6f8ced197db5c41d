import { type Message, ProtocolError, resetPcrs } from '@mtm-attest/protocol';
import { expect } from 'chai';
import type { AcceptedState, ModelReference } from '../../src/appraisal/input.ts';
import { EvidenceCollector } from '../../src/endpoint/evidence-collector.ts';
import { modelReference } from '../../src/reference/reference-values.ts';
import { challengeOf } from '../appraisal/appraisal.ts';
import { releaseOf } from '../appraisal/firmware.ts';
import { acceptedState } from '../store/fixture.ts';
import { firmwareLog, listBytes } from '../support/machine-logs.ts';
import { FIRMWARE, file, platformOf } from './machine.ts';

const LIMITS = { maxEvents: 100, maxListBytes: 1000, maxPlatformLogBytes: 1_000_000 };
const FIRMWARE_BYTES = new Uint8Array(firmwareLog(FIRMWARE));
const EMPTY = new Uint8Array();

function reference(): ModelReference {
  const components = releaseOf(1).components.filter(({ pcr }) => pcr !== 10);
  const releases = [releaseOf(1, { components, platform: platformOf(['/sbin/init']) })];
  return modelReference({ issuer: 'maker', model: 'model-1', sequence: 1, minimum: 1, releases }, 1);
}

type Asked = { readonly firmware?: boolean; readonly ima?: number };

function collector(
  asked: Asked,
  evidence: Partial<Message<'evidence'>>,
  limits: Partial<typeof LIMITS> = {},
  previous?: AcceptedState,
): EvidenceCollector {
  const challenge = { ...challengeOf(previous === undefined ? 'gate' : 'runtime', previous), ...asked };
  const pcrs = new Uint8Array(32 * challenge.selectedPcrs.length);
  const message: Message<'evidence'> = {
    type: 'evidence',
    challenge: challenge.id,
    attest: EMPTY,
    signature: EMPTY,
    claims: EMPTY,
    log: EMPTY,
    ...(asked.firmware === true || asked.ima !== undefined ? { pcrs } : {}),
    ...evidence,
  };
  return new EvidenceCollector(
    challenge,
    message,
    EMPTY,
    { previous, reference: reference() },
    { ...LIMITS, ...limits },
  );
}

function send(to: EvidenceCollector, kind: Message<'part'>['kind'], body: Uint8Array = EMPTY, last = false): void {
  to.part({ type: 'part', challenge: to.challenge.id, kind, body, ...(last ? { last } : {}) });
}

function expectUnexpected(action: () => unknown): void {
  expect(action).to.throw(ProtocolError).with.property('code', 'session.unexpected-message');
}

const BOTH: Asked = { firmware: true, ima: 0 };
const ANNOUNCED = { firmware: true, ima: true, moreLog: true, lists: 1 };

describe('logs of the platform on their way in', () => {
  it('come in one order: firmware, list, log, component lists; anything else is out of turn (F-59)', () => {
    const order = ['firmware', 'ima', 'log', 'list'] as const;
    for (const [turn] of order.entries()) {
      for (const other of order) {
        if (other === order[turn]) continue;
        const came = collector(BOTH, ANNOUNCED);
        for (const kind of order.slice(0, turn)) send(came, kind, EMPTY, true);
        expectUnexpected(() => {
          send(came, other);
        });
      }
    }
    const whole = collector(BOTH, ANNOUNCED);
    for (const kind of order) {
      expect(whole.complete).to.equal(false);
      send(whole, kind);
      send(whole, kind, EMPTY, true);
    }
    expect(whole.complete).to.equal(true);
    for (const kind of order) {
      expectUnexpected(() => {
        send(whole, kind);
      });
    }
  });

  it('are refused where the challenge did not ask for them (F-59)', () => {
    for (const [asked, evidence] of [
      [{}, { firmware: true }],
      [{}, { ima: true }],
      [{ ima: 0 }, { firmware: true }],
      [{ firmware: true }, { ima: true }],
      [{}, { pcrs: new Uint8Array(320) }],
      [BOTH, { ...ANNOUNCED, log: Uint8Array.of(0x92) }],
    ] as const) {
      expectUnexpected(() => collector(asked, evidence));
    }
  });

  it('say where our own log begins, and are folded whatever pieces they come in', () => {
    const whole = collector(BOTH, ANNOUNCED);
    send(whole, 'firmware', FIRMWARE_BYTES, true);
    const pieces = collector(BOTH, ANNOUNCED);
    for (const byte of FIRMWARE_BYTES) send(pieces, 'firmware', Uint8Array.of(byte));
    send(pieces, 'firmware', EMPTY, true);
    for (const one of [whole, pieces]) {
      send(one, 'ima', EMPTY, true);
      expect(one.platform.firmware?.malformed).to.equal(undefined);
      expect(one.platform.firmware?.events).to.have.length(FIRMWARE.length);
      expect(one.fold.facts().pcrs).to.deep.equal(one.platform.base).and.not.deep.equal(resetPcrs());
    }
    expect(pieces.platform.firmware).to.deep.equal(whole.platform.firmware);
  });

  it('above the limit are read no further, and nothing is kept (F-29)', () => {
    for (const kind of ['firmware', 'ima'] as const) {
      const one = collector(BOTH, { ...ANNOUNCED, firmware: kind === 'firmware' }, { maxPlatformLogBytes: 100 });
      send(one, kind, new Uint8Array(100));
      expect(one.exceeded).to.equal(false);
      send(one, kind, new Uint8Array(1));
      expect(one.exceeded).to.equal(true);
    }
    const events = Array.from({ length: 8193 }, () => FIRMWARE[0] ?? expect.fail('no firmware'));
    const many = collector(BOTH, ANNOUNCED, { maxPlatformLogBytes: 10_000_000 });
    send(many, 'firmware', new Uint8Array(firmwareLog(events)), true);
    expect(many.exceeded, 'more events than are kept').to.equal(true);
  });

  it('of a list without its end are kept to a bounded number of findings, however many entries are foreign (F-29)', () => {
    const one = collector({ ima: 0 }, { ima: true, moreLog: true, pcrs: new Uint8Array(320).fill(1) });
    const entries = Array.from({ length: 500 }, (_, i) => listBytes(file(`/home/user/${i}`)));
    send(one, 'ima', new Uint8Array(Buffer.concat(entries)), true);
    const facts = one.platform.ima?.get(1)?.facts;
    expect(facts?.seen).to.equal(500);
    expect(facts?.findings).to.have.length(16);
  });

  it('behind a cursor may be left out where nothing is new; a whole list that is left out is none', () => {
    const previous = { ...acceptedState(1), release: 1, imaCount: 3, imaSeen: 3 };
    expect(collector({ ima: 3 }, {}, {}, previous).platform.ima?.get(1)?.facts).to.include({ from: 3, seen: 3 });
    expect(collector({ ima: 0 }, {}).platform.ima).to.equal(undefined);
    const withdrawn = collector({ ima: 3 }, { pcrs: new Uint8Array(320) }, {}, { ...previous, release: 9 });
    expect(withdrawn.platform.ima?.get(9)?.facts, 'of a release that is listed no more').to.include({ seen: 3 });
  });
});
