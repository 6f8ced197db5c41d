import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { toHex } from '../../src/bytes/text.ts';
import { celOfIma } from '../../src/cel/ima-record.ts';
import { type CelNumbering, CelNumbers } from '../../src/cel/numbering.ts';
import type { CelRecord } from '../../src/cel/record.ts';
import { CelReplay } from '../../src/cel/replayed-log.ts';
import { celOfTcg } from '../../src/cel/tcg-record.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import type { ImaRule } from '../../src/ima/replay.ts';
import { replayImaList } from '../../src/ima/replayed-list.ts';
import type { HashName } from '../../src/tpm/constants.ts';
import { EVERY_TEMPLATE, listOf, replayedBy } from '../ima/lists.ts';
import { expectRefusal } from '../refusal.ts';
import { EVENT_1, numbered } from './records.ts';

const BANKS: readonly HashName[] = ['sha1', 'sha256', 'sha384', 'sha512'];
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());

function replayOf(records: readonly CelRecord[], numbering: CelNumbering = 'per-index', imaRule?: ImaRule) {
  const replay = new CelReplay(nodeCrypto, { numbering, imaRule });
  const proofs = records.map((record) => replay.take(record));
  return { ...replay.result(), proofs };
}

function extended(...digests: readonly Uint8Array[]): string {
  return toHex(digests.reduce((value, digest) => sha256(Buffer.concat([value, digest])), new Uint8Array(32)));
}

function event(eventType: number, data: string, digest?: Uint8Array, pcr = 10): Omit<CelRecord, 'recnum'> {
  const eventData = new Uint8Array(Buffer.from(data, 'latin1'));
  return {
    index: { type: 'pcr', pcr },
    digests: [{ algorithm: 11, digest: digest ?? sha256(eventData) }],
    content: { type: 'pcclient_std', eventType, eventData },
  };
}

function imaRecords(rule: ImaRule): readonly CelRecord[] {
  const records: Omit<CelRecord, 'recnum'>[] = [];
  replayImaList(listOf(EVERY_TEMPLATE, 'binary'), nodeCrypto, { banks: [], rule }, (entry) => {
    records.push(structuredClone(celOfIma(entry, nodeCrypto, BANKS, rule)));
  });
  return numbered(records);
}

describe('the replay of a canonical event log', () => {
  it('extends what is measured, of every content type', () => {
    const { pcrs, banks, proofs } = replayOf([EVENT_1]);
    const { digest } = EVENT_1.digests[0] ?? { digest: new Uint8Array() };
    expect(toHex(pcrs.sha256[10] ?? new Uint8Array())).to.equal(extended(digest));
    expect(banks).to.deep.equal(['sha256']);
    expect(proofs).to.deep.equal(['covered']);
    const plain = numbered([
      { ...EVENT_1, content: { type: 'systemd', data: new Uint8Array(1) } },
      { ...EVENT_1, content: { type: 'cel', event: { type: 'state_trans', transition: 'kexec' } } },
      { ...EVENT_1, content: { type: 'cel', event: { type: 'cel_version', major: 1, minor: 1 } } },
      { ...EVENT_1, content: { type: 'cel', event: { type: 'firmware_end' } } },
      event(3, 'Spec ID Event03'),
    ]);
    const replayed = replayOf(plain);
    expect(toHex(replayed.pcrs.sha256[10] ?? new Uint8Array())).to.equal(extended(digest, digest));
    expect(replayed.proofs).to.deep.equal(['uncovered', 'uncovered', 'unmeasured', 'unmeasured', 'unmeasured']);
  });

  it('begins PCR 0 with the locality that the log names', () => {
    const digest = sha256(Buffer.alloc(4));
    const log = numbered([event(3, 'StartupLocality\0\x03', new Uint8Array(32), 0), event(4, '\0\0\0\0', digest, 0)]);
    const { pcrs, startupLocality } = replayOf(log);
    expect(startupLocality).to.equal(3);
    expect(toHex(pcrs.sha256[0] ?? new Uint8Array())).to.equal(
      '50bd7d88f0414b40608f8ffc56fd4f3201b5ed0644e36b8128d33624ebe0f053',
    );
  });

  it('explains no PCR of a bank that a record lacks', () => {
    const { pcrs } = replayOf([EVENT_1]);
    expect(pcrs.sha1[10]).to.equal(undefined);
    expect(toHex(pcrs.sha1[9] ?? new Uint8Array())).to.equal('00'.repeat(20));
  });

  it('counts records of NV indices and extends no PCR by them', () => {
    const { pcrs, nvRecords } = replayOf([{ ...EVENT_1, index: { type: 'nv', nvIndex: 0x20000000 } }]);
    expect(nvRecords).to.equal(1);
    expect(
      pcrs.sha256.every((value, pcr) => value?.every((byte) => byte === (pcr >= 17 && pcr <= 22 ? 0xff : 0))),
    ).to.equal(true);
  });

  it('accepts the one rule of numbering that is told', () => {
    const other: CelRecord = { ...EVENT_1, index: { type: 'pcr', pcr: 11 } };
    const perIndex = [EVENT_1, other, { ...EVENT_1, recnum: 1 }];
    const global = [EVENT_1, { ...other, recnum: 1 }, { ...EVENT_1, recnum: 2 }];
    expect(replayOf(perIndex).records).to.equal(3);
    expect(replayOf(global, 'global').records).to.equal(3);
    expectRefusal(() => replayOf(global), 'cel.recnum');
    expectRefusal(() => replayOf(perIndex, 'global'), 'cel.recnum');
    expectRefusal(() => replayOf([{ ...EVENT_1, recnum: 1 }]), 'cel.recnum');
    const numbers = new CelNumbers('global');
    expect(perIndex.map(({ index }) => numbers.next(index))).to.deep.equal([0, 1, 2]);
  });

  for (const rule of ['per-bank', 'padded'] as const) {
    it(`leads where the IMA list led that it was made of (${rule}), and proves its entries`, () => {
      const records = imaRecords(rule);
      const { pcrs, proofs } = replayOf(records, 'per-index', rule);
      for (const bank of BANKS) {
        for (const pcr of [9, 10, 11])
          expect(toHex(pcrs[bank][pcr] ?? new Uint8Array())).to.equal(replayedBy(EVERY_TEMPLATE, bank, rule, pcr));
      }
      const wanted = EVERY_TEMPLATE.map(({ violation }) => (violation === true ? 'violation' : 'covered'));
      expect(proofs).to.deep.equal(wanted);
    });
  }

  it('believes IMA content of the rule that is told, and of SHA-1 without one', () => {
    expect(replayOf(imaRecords('padded'), 'per-index', 'per-bank').proofs).to.include('contradicted');
    expect(replayOf(imaRecords('per-bank')).proofs.filter((proof) => proof === 'uncovered')).to.have.length(
      EVERY_TEMPLATE.length - 1,
    );
    const [first] = imaRecords('per-bank');
    const lying = { ...first, content: { type: 'ima_template', name: 'ima-ng', data: new Uint8Array(9) } } as CelRecord;
    expect(replayOf([lying]).proofs).to.deep.equal(['contradicted']);
  });

  it('leaves out records of firmware logs that have no PCR', () => {
    const digests = [{ algorithm: 4, digest: new Uint8Array(20) }];
    const record = {
      log: 0,
      index: 0,
      offset: 0,
      pcr: 5,
      type: 4,
      digests,
      data: new Uint8Array(4),
      specId: undefined,
    };
    expect(celOfTcg(record)).to.deep.equal({
      index: { type: 'pcr', pcr: 5 },
      digests,
      content: { type: 'pcclient_std', eventType: 4, eventData: new Uint8Array(4) },
    });
    expect(celOfTcg({ ...record, pcr: 0xffffffff, type: 3 })).to.equal(undefined);
  });
});
