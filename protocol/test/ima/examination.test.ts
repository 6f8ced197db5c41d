import { expect } from 'chai';
import fc from 'fast-check';
import { toHex } from '../../src/bytes/text.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { IMA_ANOMALIES } from '../../src/ima/anomaly.ts';
import { type ExaminedEntry, ImaExamination, type ImaExpectations, shownPath } from '../../src/ima/examination.ts';
import { ImaListFold, replayImaList } from '../../src/ima/replayed-list.ts';
import { flipped } from '../mutation.ts';
import { expectRefusal } from '../refusal.ts';
import { AGENT, EVERY_TEMPLATE, field, listOf, replayedBy, sha, type Written } from './lists.ts';

const SEED = 40_303;
const QUESTION = { banks: ['sha256'], rule: 'per-bank' } as const;
const ZEROS = new Map(Array.from({ length: 10 }, (_, pcr) => [pcr, new Uint8Array(32)] as const));

function aggregate(digest: Buffer, algorithm = 'sha256'): Written {
  return { pcr: 10, template: 'ima-ng', fields: [field.digest(algorithm, digest), field.name('boot_aggregate')] };
}

const BOOT = aggregate(sha('sha256', Buffer.alloc(320)));

interface Examined {
  readonly codes: readonly string[];
  readonly events: readonly number[];
  readonly files: readonly (string | undefined)[];
  readonly state: ImaExamination['bootAggregate'];
}

function examined(list: Uint8Array, expected: ImaExpectations = {}): Examined {
  const examination = new ImaExamination(nodeCrypto, expected);
  const found: ExaminedEntry[] = [];
  const files: (string | undefined)[] = [];
  replayImaList(list, nodeCrypto, QUESTION, (entry, finding) => {
    const one = examination.take(entry, finding);
    found.push(one);
    files.push(one.file === undefined ? undefined : shownPath(one.file));
  });
  const anomalies = found.flatMap((one) => one.anomalies);
  return {
    codes: anomalies.map(({ code }) => code),
    events: anomalies.map(({ event }) => event),
    files,
    state: examination.bootAggregate,
  };
}

describe('the examination of an IMA list', () => {
  it('finds nothing odd in an honest list, violations and unsigned files included', () => {
    const honest = examined(listOf([BOOT, ...EVERY_TEMPLATE.slice(1)], 'binary'));
    expect(honest.codes).to.deep.equal([]);
    expect(honest.files.slice(0, 3)).to.deep.equal(['boot_aggregate', '/usr/bin/agent', '/sbin/init']);
  });

  it('compares the boot aggregate with the PCR values of the boot', () => {
    const pcrs = { sha256: ZEROS };
    const list = listOf([BOOT, AGENT], 'ascii');
    expect(examined(list, { pcrs })).to.include({ state: 'matches' });
    expect(examined(list).state).to.equal('unchecked');
    expect(examined(list, { pcrs: { sha1: new Map() } }).state).to.equal('unchecked');
    const other = examined(list, { pcrs: { sha256: new Map([...ZEROS, [9, new Uint8Array(32).fill(1)]]) } });
    expect(other.codes).to.deep.equal(['ima-entry.boot-aggregate']);
    expect(other.state).to.equal('differs');
    const unknown = examined(listOf([aggregate(Buffer.alloc(16), 'md5')], 'ascii'), { pcrs });
    expect(unknown).to.deep.include({ codes: [], state: 'unchecked' });
  });

  it('wants the boot aggregate first, and once unless kexec is expected', () => {
    expect(examined(listOf([AGENT, BOOT], 'binary')).codes).to.deep.equal(['ima-entry.boot-aggregate-missing']);
    const twice = listOf([BOOT, AGENT, BOOT, BOOT], 'binary');
    const repeated = 'ima-entry.boot-aggregate-repeated';
    expect(examined(twice)).to.deep.include({ codes: [repeated, repeated], events: [2, 3] });
    expect(examined(twice, { kexec: true }).codes).to.deep.equal([]);
    expect(IMA_ANOMALIES[repeated].rejects).to.equal(true);
  });

  it('tells an entry with another template digest, a malformed field and an unknown template, with position and offset', () => {
    const list = listOf([BOOT, AGENT], 'binary');
    const at = listOf([BOOT], 'binary').length;
    expect(examined(flipped(list, 8 * (at + 4)))).to.deep.include({ codes: ['ima-entry.digest'], events: [1] });
    const bad: Written = { ...AGENT, fields: [...AGENT.fields.slice(0, 1), field.hex(Buffer.from('/no/nul'))] };
    expect(examined(listOf([BOOT, bad], 'binary')).codes).to.deep.equal(['ima-entry.form']);
    const future: Written = { ...AGENT, template: 'ima-future' };
    expect(examined(listOf([BOOT, future], 'binary')).codes).to.deep.equal(['ima-entry.template']);
  });

  it('looks at signatures only where keys are given', () => {
    const [, , , , signed] = EVERY_TEMPLATE;
    const list = listOf([BOOT, ...(signed === undefined ? [] : [signed])], 'binary');
    expect(examined(list).codes).to.deep.equal([]);
    const key = {
      keyId: 0xaabbccdd,
      key: {
        material: { algorithm: 'rsassa', hash: 'sha256', modulus: new Uint8Array(), exponent: 65537 },
        verify: () => false,
        verifyDigest: () => false,
      },
    } as const;
    expect(examined(list, { keys: [key] }).codes).to.deep.equal(['ima-entry.signature']);
    expect(examined(list, { keys: [{ ...key, keyId: 1 }] }).codes).to.deep.equal([]);
  });

  it('shows a path with escapes, so that it draws nothing (F-95)', () => {
    const evil: Written = { ...AGENT, fields: [...AGENT.fields.slice(0, 1), field.name('/a\x1b[2J\xe2\x80\xae\r')] };
    expect(examined(listOf([BOOT, evil], 'binary')).files[1]).to.equal('/a\\u{1b}[2J\\u{e2}\\u{80}\\u{ae}\\u{d}');
  });
});

describe('an IMA list in pieces', () => {
  it('leads where the whole list leads, however it is cut', () => {
    const property = fc.property(
      fc.array(fc.nat(2000), { maxLength: 6 }),
      fc.constantFrom('ascii', 'binary'),
      (cuts, form) => {
        const list = listOf(EVERY_TEMPLATE, form);
        const borders = [0, ...cuts.map((cut) => cut % (list.length + 1)).sort((a, b) => a - b), list.length];
        const fold = new ImaListFold(nodeCrypto, QUESTION);
        for (const [i, to] of borders.slice(1).entries()) fold.feed(list.subarray(borders[i], to));
        const whole = replayImaList(list, nodeCrypto, QUESTION);
        expect(fold.end()).to.deep.equal(whole);
        expect(toHex(whole.state.pcrs.sha256?.get(10) ?? new Uint8Array())).to.equal(
          replayedBy(EVERY_TEMPLATE, 'sha256', 'per-bank'),
        );
      },
    );
    fc.assert(property, { seed: SEED });
  });

  it('of one byte each is read in time linear in its length (F-29)', () => {
    let hashed = 0;
    const hashes = {
      ...nodeCrypto,
      sha256: (bytes: Uint8Array) => {
        hashed += 1;
        return nodeCrypto.sha256(bytes);
      },
    };
    const huge: Written = {
      ...AGENT,
      template: 'ima-buf',
      fields: [...AGENT.fields, field.hex(Buffer.alloc(400_000))],
    };
    const fold = new ImaListFold(hashes, QUESTION);
    const list = listOf([huge, AGENT], 'binary');
    for (let at = 0; at < list.length; at++) fold.feed(list.subarray(at, at + 1));
    expect(fold.end().entries).to.equal(2);
    expect(hashed).to.equal(4);
  });

  it('goes on from a stored state', () => {
    const [first, second] = [EVERY_TEMPLATE.slice(0, 5), EVERY_TEMPLATE.slice(5)].map((part) => listOf(part, 'ascii'));
    const { state } = replayImaList(first ?? new Uint8Array(), nodeCrypto, QUESTION);
    const events: number[] = [];
    const rest = replayImaList(second ?? new Uint8Array(), nodeCrypto, { ...QUESTION, from: state }, ({ index }) =>
      events.push(index),
    );
    expect(rest.state).to.deep.equal(replayImaList(listOf(EVERY_TEMPLATE, 'ascii'), nodeCrypto, QUESTION).state);
    expect(rest.entries).to.equal(EVERY_TEMPLATE.length - 5);
    expect(events[0]).to.equal(5);
  });

  it('that is empty or cut off is refused at its last whole entry', () => {
    expectRefusal(() => replayImaList(new Uint8Array(), nodeCrypto, QUESTION), 'ima.truncated', 0);
    const list = listOf([BOOT, AGENT], 'binary');
    const end = listOf([BOOT], 'binary').length;
    expectRefusal(() => replayImaList(list.subarray(0, -1), nodeCrypto, QUESTION), 'ima.truncated', end);
  });
});
