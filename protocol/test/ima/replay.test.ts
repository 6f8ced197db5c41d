import { expect } from 'chai';
import fc from 'fast-check';
import { toHex } from '../../src/bytes/text.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { readImaAscii } from '../../src/ima/ascii-list.ts';
import { readImaBinary } from '../../src/ima/binary-list.ts';
import { type ImaEntry, MAX_ENTRIES } from '../../src/ima/entry.ts';
import { type ImaFinding, ImaReplay, type ImaRule, type ImaState, resetValue } from '../../src/ima/replay.ts';
import type { HashName } from '../../src/tpm/constants.ts';
import { flipped } from '../mutation.ts';
import { expectRefusal } from '../refusal.ts';
import { AGENT, binaryOf, EVERY_TEMPLATE, field, listOf, replayedBy, type Written } from './lists.ts';

const SEED = 40_302;
const BANKS: readonly HashName[] = ['sha1', 'sha256', 'sha384', 'sha512'];
const RULES: readonly ImaRule[] = ['per-bank', 'padded'];

interface Replayed {
  readonly state: ImaState;
  readonly findings: readonly ImaFinding[];
}

interface Way {
  readonly form?: 'ascii' | 'binary';
  readonly rule?: ImaRule;
  readonly shown?: HashName;
  readonly from?: ImaState;
}

function replayOf(list: Uint8Array, { form, rule = 'per-bank', shown = 'sha1', from }: Way = {}): Replayed {
  const replay = new ImaReplay(nodeCrypto, { banks: BANKS, rule, shown, ...(from === undefined ? {} : { from }) });
  const findings: ImaFinding[] = [];
  (form === 'ascii' ? readImaAscii : readImaBinary)(list, shown, (entry) => findings.push(replay.extend(entry)));
  return { state: replay.state(), findings };
}

function replayedValue({ state }: Replayed, bank: HashName, pcr = 10): string {
  return toHex(state.pcrs[bank]?.get(pcr) ?? resetValue(bank, pcr));
}

const names = fc.string({ unit: fc.constantFrom('a', 'b', '/', '_'), maxLength: 9 }).map(field.name);
const entries: fc.Arbitrary<Written> = fc.record({
  pcr: fc.constantFrom(10, 10, 11),
  violation: fc.boolean(),
  template: fc.constant('ima-ng'),
  fields: fc.tuple(fc.constant(AGENT.fields[0] ?? field.absent), names),
});
const lists = fc.array(entries, { maxLength: 10 });

describe('the replay of an IMA list', () => {
  it('leads to known values', () => {
    const list = listOf([AGENT], 'binary');
    const values = (rule: ImaRule): string => replayedValue(replayOf(list, { rule }), 'sha256');
    expect(values('per-bank')).to.equal('0e77e0a109aac9ec52201ed2686d1e09e11649d6551694a5b955804a0287cfd8');
    expect(values('padded')).to.equal('783c0e6fae03e0523d036758995eb1c3fe8711f4b4995698a052f8dd92e14cf6');
    const violation = replayOf(listOf([{ ...AGENT, violation: true }], 'binary'));
    expect(replayedValue(violation, 'sha256')).to.equal(
      'bba91ca85dc914b2ec3efb9e16e7267bf9193b14350d20fba8a8b406730ae30a',
    );
  });

  for (const rule of RULES) {
    it(`extends every bank by the rule ${rule}, from either form and from the files of every bank`, () => {
      const property = fc.property(lists, fc.constantFrom(...BANKS), (list, shown) => {
        for (const form of ['ascii', 'binary'] as const) {
          const replayed = replayOf(listOf(list, form, shown), { form, rule, shown });
          for (const bank of BANKS) {
            for (const pcr of [10, 11])
              expect(replayedValue(replayed, bank, pcr)).to.equal(replayedBy(list, bank, rule, pcr));
          }
          const wanted = list.map(({ violation }) => (violation === true ? 'violation' : 'consistent'));
          if (rule === 'per-bank' || shown === 'sha1') expect(replayed.findings).to.deep.equal(wanted);
        }
      });
      fc.assert(property, { seed: SEED, numRuns: 40 });
    });
  }

  it('agrees with every template, and with both implementations of the hashes (F-65)', () => {
    const list = listOf(EVERY_TEMPLATE, 'ascii');
    const replayed = replayOf(list, { form: 'ascii' });
    expect(replayed.findings.filter((finding) => finding !== 'consistent')).to.deep.equal(['violation']);
    for (const bank of BANKS)
      expect(replayedValue(replayed, bank)).to.equal(replayedBy(EVERY_TEMPLATE, bank, 'per-bank'));
    const portable = new ImaReplay(nobleCrypto, { banks: BANKS, rule: 'per-bank', shown: 'sha1' });
    readImaAscii(list, 'sha1', (entry) => portable.extend(entry));
    expect(portable.state()).to.deep.equal(replayed.state);
  });

  it('under the other rule leads elsewhere in every bank but SHA-1', () => {
    const list = listOf(EVERY_TEMPLATE, 'binary');
    const [own, padded] = RULES.map((rule) => replayOf(list, { rule }));
    for (const bank of BANKS) {
      const same =
        own !== undefined && padded !== undefined && replayedValue(own, bank) === replayedValue(padded, bank);
      expect(same, bank).to.equal(bank === 'sha1');
    }
  });

  it('extends what the data hash to, and tells an entry that shows another digest', () => {
    const list = listOf([AGENT, AGENT], 'binary');
    const honest = replayOf(list);
    const lyingList = flipped(list, 8 * (binaryOf(AGENT).length + 4));
    const lying = replayOf(lyingList);
    expect(lying.findings).to.deep.equal(['consistent', 'mismatch']);
    expect(lying.state).to.deep.equal(honest.state);
  });

  it('takes a digest of zeros for a violation whatever the fields say, and hides no file behind it', () => {
    const named = replayOf(listOf([{ ...AGENT, violation: true }], 'binary'));
    expect(named.findings).to.deep.equal(['violation']);
    expect(replayedValue(named, 'sha1')).to.not.equal(replayedBy([AGENT], 'sha1', 'per-bank'));
  });

  it('goes on from a stored state as if it had never stopped', () => {
    const whole = replayOf(listOf(EVERY_TEMPLATE, 'binary'));
    for (let at = 0; at <= EVERY_TEMPLATE.length; at++) {
      const first = replayOf(listOf(EVERY_TEMPLATE.slice(0, at), 'binary'));
      const second = replayOf(listOf(EVERY_TEMPLATE.slice(at), 'binary'), { from: first.state });
      expect(second.state).to.deep.equal(whole.state);
    }
  });

  it('starts the PCRs of a dynamic launch at all ones', () => {
    expect(toHex(resetValue('sha1', 17))).to.equal('ff'.repeat(20));
    const list = listOf([{ ...AGENT, pcr: 17 }], 'binary');
    expect(replayedValue(replayOf(list), 'sha256', 17)).to.not.equal(replayedBy([AGENT], 'sha256', 'per-bank'));
  });

  it('refuses a state whose values are of another bank', () => {
    const from: ImaState = { entries: 0, pcrs: { sha256: new Map([[10, new Uint8Array(20)]]) } };
    expect(() => replayOf(new Uint8Array(), { from })).to.throw(RangeError);
  });

  it('refuses more than a million entries of one boot (F-29)', () => {
    const replay = new ImaReplay(nodeCrypto, {
      banks: ['sha1'],
      rule: 'per-bank',
      shown: 'sha1',
      from: { entries: MAX_ENTRIES, pcrs: {} },
    });
    const entry: ImaEntry = {
      index: 0,
      offset: 5,
      pcr: 10,
      digest: new Uint8Array(20),
      template: 'ima-ng',
      data: new Uint8Array(),
    };
    expectRefusal(() => replay.extend(entry), 'ima.limit', 5);
  });

  it('hashes each entry a fixed number of times: linear however the list is made (F-29)', () => {
    let hashed = 0;
    const counting = (name: HashName) => (bytes: Uint8Array) => {
      hashed += bytes.length;
      return nodeCrypto[name](bytes);
    };
    const hashes = {
      sha1: counting('sha1'),
      sha256: counting('sha256'),
      sha384: counting('sha384'),
      sha512: counting('sha512'),
    };
    const costOf = (count: number): number => {
      hashed = 0;
      const replay = new ImaReplay(hashes, { banks: ['sha256'], rule: 'per-bank', shown: 'sha1' });
      const list = listOf(
        Array.from({ length: count }, () => AGENT),
        'ascii',
      );
      readImaAscii(list, 'sha1', (entry) => replay.extend(entry));
      return hashed;
    };
    expect(costOf(400)).to.equal(4 * costOf(100));
  });
});
