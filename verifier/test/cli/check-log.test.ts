import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  encodeEvent,
  encodeRecord,
  type LogEvent,
  LogReplay,
  PCR_BYTES,
  parseSelectionText,
  toHex,
  writePcrFile,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { FIRMWARE, firmwareLog, firmwarePcr } from '../log-check/tcg-file.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const RUN = ['--import', 'tsx', '--conditions=mtm-source', MAIN, 'check-log'];
const DIGEST = new Uint8Array(32).fill(3);

const EVENTS: readonly (readonly [pcr: number, event: LogEvent])[] = [
  [11, { type: 'boot', resetCount: 4, restartCount: 0, agent: 'mtm-agent/1' }],
  [5, { type: 'release', release: 2, manifestDigest: DIGEST }],
  [4, { type: 'component', name: 'boot/kernel', digest: DIGEST }],
  [11, { type: 'ready' }],
  [13, { type: 'audit', nonce: DIGEST, listDigest: DIGEST }],
];

function logOf(events: typeof EVENTS): Uint8Array {
  return new Uint8Array(Buffer.concat(events.map(([pcr, event]) => encodeRecord(pcr, encodeEvent(event)))));
}

const LOG = logOf(EVENTS);

/** PCR values that a log leads to. */
function pcrsOf(log: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const replay = new LogReplay(nodeCrypto.sha256);
  replay.feed(log);
  const values = replay.values();
  return new Map(Array.from({ length: 24 }, (_, pcr) => [pcr, values.slice(pcr * PCR_BYTES, (pcr + 1) * PCR_BYTES)]));
}

describe('mtm-verifier check-log', () => {
  let directory = '';

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'mtm-check-log-'));
  });

  after(() => {
    rmSync(directory, { recursive: true });
  });

  function run(log: Uint8Array, ...more: readonly string[]) {
    writeFileSync(join(directory, 'log'), log);
    return spawnSync(process.execPath, [...RUN, '--format', 'mtm', '--log', join(directory, 'log'), ...more], {
      encoding: 'utf8',
    });
  }

  function documentOf(stdout: string): Record<string, unknown> {
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  it('lists every event in words and says where the log leads', () => {
    const { status, stdout } = run(LOG);
    expect(status).to.equal(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).to.match(/^ +0 {2}PCR 11 {2}boot, resetCount 4, restartCount 0, agent mtm-agent\/1$/);
    expect(lines[2]).to.include(`component, name boot/kernel, digest ${toHex(DIGEST)}`);
    expect(stdout).to.include('5 events; boot 4.0, release 2, complete');
    expect(stdout).to.include('Not checked: PCR values (no --pcrs)');
  });

  it('holds PCR values against it, in both forms of the file; an untouched PCR matches at its reset value', () => {
    const values = pcrsOf(LOG);
    const serialized = join(directory, 'pcrs.bin');
    writeFileSync(serialized, writePcrFile(parseSelectionText('sha256:4,5,11,13,20'), { sha256: values }));
    expect(documentOf(run(LOG, '--pcrs', serialized, '--json').stdout)).to.deep.include({
      ok: true,
      events: 5,
      compared: { sha256: [4, 5, 11, 13, 20] },
    });
    const json = join(directory, 'pcrs.json');
    writeFileSync(json, `${JSON.stringify({ sha256: { 13: toHex(values.get(13) ?? DIGEST), 7: '00'.repeat(32) } })}\n`);
    expect(run(LOG, '--pcrs', json).status).to.equal(0);
  });

  it('names the first PCR that does not follow: an event left out or relabelled (F-26, F-27)', () => {
    const json = join(directory, 'whole.json');
    const values = [...pcrsOf(LOG)].map(([pcr, value]) => [String(pcr), toHex(value)]);
    writeFileSync(json, `${JSON.stringify({ sha256: Object.fromEntries(values) as object })}\n`);
    const relabelled = EVENTS.with(2, [4, { type: 'component', name: 'boot/other', digest: DIGEST }]);
    for (const other of [logOf(EVENTS.toSpliced(2, 1)), logOf(relabelled)]) {
      const { status, stdout } = run(other, '--pcrs', json, '--json');
      expect(status).to.equal(1);
      expect(documentOf(stdout)['firstMismatch']).to.deep.include({ bank: 'sha256', pcr: 4 });
    }
  });

  it('rejects events that are none, in a PCR not their own, or out of order (F-27)', () => {
    const strange = encodeRecord(13, Uint8Array.from([0x91, 0x63]));
    const misplaced = encodeRecord(12, encodeEvent({ type: 'ready' }));
    for (const [log, code] of [
      [Buffer.concat([LOG, strange]), 'log.event'],
      [Buffer.concat([LOG, misplaced]), 'log.event'],
      [logOf(EVENTS.slice(1)), 'log.order'],
    ] as const) {
      const { status, stdout } = run(new Uint8Array(log), '--json');
      expect(status).to.equal(1);
      expect(documentOf(stdout)['anomalies']).to.have.nested.property('[0].code', code);
    }
  });

  it('refuses bytes that are no log, with the offset in the file (F-19)', () => {
    for (const [log, code, offset] of [
      [LOG.subarray(0, LOG.length - 3), 'log.truncated', LOG.length - logOf(EVENTS.slice(-1)).length],
      [new Uint8Array([...LOG, 0x00]), 'log.malformed', LOG.length],
    ] as const) {
      const { status, stdout } = run(log, '--json');
      expect(status).to.equal(1);
      expect(documentOf(stdout)).to.deep.include({ ok: false, code, offset });
    }
  });

  it('an empty log leads to the reset values', () => {
    expect(documentOf(run(new Uint8Array(), '--json').stdout)).to.deep.include({
      ok: true,
      events: 0,
      complete: false,
    });
  });

  it('reads on in pieces: a log larger than one piece replays as a whole', () => {
    const audit = EVENTS.at(-1) ?? [13, { type: 'ready' as const }];
    const long = logOf([...EVENTS, ...Array.from({ length: 20_000 }, () => audit)]);
    expect(long.length).to.be.greaterThan(1_048_576);
    const document = documentOf(run(long, '--json').stdout);
    expect(document['events']).to.equal(20_005);
    expect(document['pcrs']).to.have.nested.property('sha256.13', toHex(pcrsOf(long).get(13) ?? DIGEST));
  });

  it('takes plain PCR values of a selection, as check-quote does', () => {
    const values = pcrsOf(LOG);
    const plain = join(directory, 'pcrs.values');
    writeFileSync(plain, Buffer.concat([4, 11].map((pcr) => values.get(pcr) ?? DIGEST)));
    expect(documentOf(run(LOG, '--pcrs', plain, '--selection', 'sha256:4,11', '--json').stdout)).to.deep.include({
      ok: true,
      compared: { sha256: [4, 11] },
    });
    expect(documentOf(run(LOG, '--pcrs', plain, '--selection', 'sha256:4,5', '--json').stdout)).to.deep.include({
      ok: false,
      firstMismatch: {
        bank: 'sha256',
        pcr: 5,
        given: toHex(values.get(11) ?? DIGEST),
        replayed: toHex(values.get(5) ?? DIGEST),
      },
    });
    for (const selection of [[], ['--selection', 'sha256:4'], ['--selection', 'sha1:4']]) {
      const { status, stdout } = run(LOG, '--pcrs', plain, ...selection, '--json');
      expect([status, documentOf(stdout)['code']]).to.deep.equal([1, 'file.pcrs']);
    }
  });

  it('holds only the selection against the log, of a file that holds more', () => {
    const json = join(directory, 'more.json');
    const values = { 4: toHex(pcrsOf(LOG).get(4) ?? DIGEST), 5: '00'.repeat(32) };
    writeFileSync(json, JSON.stringify({ sha256: values, sha1: { 0: '00'.repeat(20) } }));
    expect(documentOf(run(LOG, '--pcrs', json, '--selection', 'sha256:4', '--json').stdout)).to.deep.include({
      ok: true,
      compared: { sha256: [4] },
    });
    const missing = run(LOG, '--pcrs', json, '--selection', 'sha256:4,6', '--json');
    expect([missing.status, documentOf(missing.stdout)['code']]).to.deep.equal([1, 'file.pcrs']);
  });

  it('--format tcg: every bank of a firmware log, its events and what is odd about it', () => {
    const log = firmwareLog(['sha1', 'sha256'], FIRMWARE.slice(0, -1));
    const json = join(directory, 'firmware.json');
    const values = (bank: 'sha1' | 'sha256'): string => toHex(firmwarePcr(bank, FIRMWARE, 4));
    writeFileSync(
      json,
      JSON.stringify({ sha1: { 4: values('sha1') }, sha256: { 4: values('sha256'), 9: '00'.repeat(32) } }),
    );
    const { status, stdout } = run(log, '--format', 'tcg', '--pcrs', json);
    expect(status).to.equal(0);
    expect(stdout).to.include('PCR  4  EV_EFI_ACTION: Calling EFI Application from Boot Option');
    expect(stdout).to.include('13 events; crypto-agile format 2.0.0, startup locality not named');
    expect(stdout).to.include('tcg-event.exit-boot-services: the log never says that boot services were left');
    expect(stdout).to.match(/The PCRs sha1:4\+sha256:4,9 follow from the log\.\n$/);
    const one = documentOf(run(log, '--format', 'tcg', '--pcrs', json, '--bank', 'sha256', '--json').stdout);
    expect(one).to.deep.include({ ok: true, format: 'tcg', events: 13, compared: { sha256: [4, 9] } });
    expect(one['pcrs']).to.have.nested.property('sha256.4', values('sha256'));
    expect(one['secureBoot']).to.have.property('secureBoot', 'unknown');
    const other = run(firmwareLog(['sha256'], FIRMWARE), '--format', 'tcg', '--pcrs', json, '--json');
    expect(other.status).to.equal(1);
    expect(documentOf(other.stdout)['firstMismatch']).to.deep.include({ bank: 'sha1', pcr: 4, replayed: null });
    const none = run(new TextEncoder().encode('this is no log at all, only text'), '--format', 'tcg', '--json');
    expect([none.status, documentOf(none.stdout)]).to.deep.equal([1, { ok: false, code: 'tcg-log.header', offset: 4 }]);
  });

  it('exits 2 for a bank that logs of the format do not have', () => {
    const { status, stderr } = run(LOG, '--bank', 'sha1');
    expect([status, stderr.split(':')[0]]).to.deep.equal([2, 'option.invalid']);
  });

  it('exits 2 where a file cannot be read, or an option is wrong', () => {
    mkdirSync(join(directory, 'folder'));
    const missing = spawnSync(process.execPath, [...RUN, '--format', 'mtm', '--log', join(directory, 'none')]);
    const folder = spawnSync(process.execPath, [...RUN, '--format', 'mtm', '--log', join(directory, 'folder')]);
    const unknown = run(LOG, '--format', 'other');
    expect([missing.status, folder.status, unknown.status]).to.deep.equal([2, 2, 2]);
  });
});
