import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type PcrValues, ProtocolError, toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { VerifierError } from '../../src/error.ts';
import type { CheckedLog, LogQuestion } from '../../src/log-check/checked-log.ts';
import { imaKeys } from '../../src/log-check/ima-keys.ts';
import { IMA_LOG } from '../../src/log-check/ima-log.ts';
import type { ImaOptions } from '../../src/log-check/ima-options.ts';
import { AGGREGATE, file, imaList, imaPcr, type MeasuredFile } from './ima-file.ts';

const FILES: readonly MeasuredFile[] = [
  AGGREGATE,
  file('/init'),
  file('/usr/bin/agent'),
  file('/var/log', { violation: true }),
];
const LIST = imaList(FILES);
const ZEROS: PcrValues = { sha256: new Map(Array.from({ length: 10 }, (_, pcr) => [pcr, new Uint8Array(32)])) };
const PLAIN: ImaOptions = { templateHash: undefined, kexec: false, keys: undefined };

interface Checked extends CheckedLog {
  readonly lines: readonly string[];
}

/** In pieces of 100 bytes at most, however many are asked for. */
function check(list: Uint8Array, ima: Partial<ImaOptions> = {}, question: Partial<LogQuestion> = {}): Checked {
  const lines: string[] = [];
  const read = (start: number, length: number): Uint8Array => list.slice(start, start + Math.min(length, 100));
  const asked = { given: undefined, bank: undefined, tell: (line: string) => lines.push(line), ...question };
  return { ...IMA_LOG.check(read, { ...asked, ima: { ...PLAIN, ...ima } }), lines };
}

function pcr10(bank: 'sha1' | 'sha256', rule: 'per-bank' | 'padded', files = FILES): PcrValues {
  return { [bank]: new Map([[10, imaPcr(files, bank, rule)]]) };
}

/** signature_v2_hdr over the digest of a measured file. */
function signature(path: string, key: KeyObject, publicKey: KeyObject): Buffer {
  const jwk = publicKey.export({ format: 'jwk' });
  const bits =
    publicKey.asymmetricKeyType === 'rsa'
      ? publicKey.export({ type: 'pkcs1', format: 'der' })
      : Buffer.concat([Buffer.of(4), Buffer.from(jwk.x ?? '', 'base64url'), Buffer.from(jwk.y ?? '', 'base64url')]);
  const bytes = sign('sha256', Buffer.from(path), key);
  const head = Buffer.from([3, 2, 4, 0, 0, 0, 0, bytes.length >> 8, bytes.length & 0xff]);
  createHash('sha1').update(bits).digest().copy(head, 3, 16);
  return Buffer.concat([head, bytes]);
}

describe('check-log of an IMA list', () => {
  it('lists entries in words, violations and escapes included (F-95)', () => {
    const { lines, ok, facts } = check(imaList([...FILES, file('/a\x1b[2J')]));
    expect(ok).to.equal(true);
    expect(lines[0]).to.match(/^ {6}0 {2}PCR 10 {2}ima-sig, sha256:[0-9a-f]{64} boot_aggregate$/);
    expect(lines[3]).to.equal('      3  PCR 10  ima-sig, VIOLATION /var/log');
    expect(lines[4]).to.include('/a\\u{1b}[2J');
    expect(facts['violations']).to.deep.equal([{ event: 3, pcr: 10, path: '/var/log' }]);
  });

  it('holds PCR values against it by the rule that is told', () => {
    for (const bank of ['sha1', 'sha256'] as const) {
      for (const rule of ['per-bank', 'padded'] as const) {
        const right = check(LIST, { templateHash: rule }, { given: pcr10(bank, rule) });
        expect(right).to.deep.include({ ok: true, compared: { [bank]: [10] } });
        const other = check(
          LIST,
          { templateHash: rule === 'padded' ? 'per-bank' : 'padded' },
          { given: pcr10(bank, rule) },
        );
        expect(other.ok, `${bank}, ${rule}`).to.equal(bank === 'sha1');
      }
    }
  });

  it('asks for the rule where a bank counts that depends on it, and only there', () => {
    const refused = (question: Partial<LogQuestion>): unknown => {
      try {
        return check(LIST, {}, question).ok;
      } catch (error) {
        return error instanceof VerifierError ? error.code : error;
      }
    };
    expect(refused({})).to.equal(true);
    expect(refused({ bank: 'sha1' })).to.equal(true);
    expect(refused({ given: pcr10('sha1', 'per-bank') })).to.equal(true);
    expect(refused({ bank: 'sha256' })).to.equal('option.ima-template-hash');
    expect(refused({ given: pcr10('sha256', 'per-bank') })).to.equal('option.ima-template-hash');
    expect(Object.keys(check(LIST).pcrs)).to.deep.equal(['sha1']);
    expect(Object.keys(check(LIST, { templateHash: 'padded' }).pcrs)).to.have.length(4);
  });

  it('names the first PCR that does not follow: an entry left out, added or exchanged (F-26)', () => {
    const given = pcr10('sha256', 'per-bank');
    for (const files of [FILES.toSpliced(1, 1), [...FILES, file('/late')], FILES.with(1, file('/other'))]) {
      const { ok, firstMismatch } = check(imaList(files), { templateHash: 'per-bank' }, { given });
      const replayed = toHex(imaPcr(files, 'sha256', 'per-bank'));
      expect(ok).to.equal(false);
      expect(firstMismatch).to.deep.equal({
        bank: 'sha256',
        pcr: 10,
        given: toHex(imaPcr(FILES, 'sha256', 'per-bank')),
        replayed,
      });
    }
    const untouched: PcrValues = { sha256: new Map([[11, new Uint8Array(32).fill(1)]]) };
    expect(check(LIST, { templateHash: 'per-bank' }, { given: untouched }).firstMismatch).to.include({ pcr: 11 });
  });

  it('rejects a list whose entry shows another template digest (F-27)', () => {
    const relabelled = Uint8Array.from(
      Buffer.from(Buffer.from(LIST).toString('latin1').replace('/usr/bin/agent', '/usr/bin/other'), 'latin1'),
    );
    const { ok, anomalies } = check(relabelled);
    expect(ok).to.equal(false);
    expect(anomalies).to.have.length(1);
    expect(anomalies[0]).to.include({ code: 'ima-entry.digest', event: 2 });
  });

  it('holds the boot aggregate against the PCR values of the boot, whether they count or not', () => {
    expect(check(LIST, {}, { known: ZEROS }).facts['bootAggregate']).to.equal('matches');
    expect(check(LIST).facts['bootAggregate']).to.equal('unchecked');
    const other: PcrValues = { sha256: new Map([...(ZEROS.sha256 ?? []), [4, new Uint8Array(32).fill(1)]]) };
    const rejected = check(LIST, {}, { known: other });
    expect(rejected.ok).to.equal(false);
    expect(rejected.anomalies[0]?.code).to.equal('ima-entry.boot-aggregate');
  });

  it('rejects a second boot aggregate unless kexec is expected', () => {
    const list = imaList([...FILES, AGGREGATE]);
    expect(check(list).ok).to.equal(false);
    expect(check(list, { kexec: true }).ok).to.equal(true);
  });

  it('tells who signed each file, by RSA and by ECDSA', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const signedBy = (path: string, { privateKey, publicKey }: typeof rsa): MeasuredFile =>
      file(path, { signature: signature(path, privateKey, publicKey) });
    const keys = [rsa, ec].flatMap(({ publicKey }) =>
      imaKeys(Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }))),
    );
    const list = imaList([AGGREGATE, signedBy('/a', rsa), signedBy('/b', ec), signedBy('/c', other), file('/d')]);
    const { ok, facts, lines } = check(list, { keys });
    expect(ok).to.equal(true);
    expect(facts['signatures']).to.deep.equal({ signed: 2, 'unknown-key': 1, bad: 0, unsigned: 2 });
    expect(lines[1]).to.match(/ \/a \[signed by key [0-9a-f]{8}\]$/);
    expect(lines[3]).to.match(/ \/c \[signed by unknown key [0-9a-f]{8}\]$/);
    const swapped = imaList([AGGREGATE, { ...signedBy('/a', rsa), digest: file('/x').digest }]);
    const bad = check(swapped, { keys });
    expect(bad.ok).to.equal(false);
    expect(bad.anomalies[0]).to.include({ code: 'ima-entry.signature', event: 1 });
    expect(check(swapped).ok).to.equal(true);
  });

  it('refuses what is no list, with the offset in the file (F-19)', () => {
    const refusal = (list: Uint8Array): unknown => {
      try {
        return check(list);
      } catch (error) {
        return error instanceof ProtocolError ? [error.code, error.offset] : error;
      }
    };
    expect(refusal(new Uint8Array())).to.deep.equal(['ima.truncated', 0]);
    const end = imaList(FILES.slice(0, 3)).length;
    expect(refusal(LIST.subarray(0, -1))).to.deep.equal(['ima.truncated', end]);
    expect(refusal(Uint8Array.from([...LIST, 0x30, 0x0a]))).to.deep.equal(['ima.malformed', LIST.length]);
  });
});
