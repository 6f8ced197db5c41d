import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { toHex } from '../../src/bytes/text.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { tcgEventName } from '../../src/tcg-log/event-type.ts';
import { replayTcgLog } from '../../src/tcg-log/replayed-log.ts';
import { HASHES, type HashName } from '../../src/tpm/constants.ts';
import { BOOT } from './boot.ts';
import { agileLog, concat, type Event, separator, sha1Record } from './log-builder.ts';

const TOOL = 'tpm2_eventlog';
const SEED = 40_404;
const BANKS = Object.keys(HASHES) as readonly HashName[];

/** What can be said of a log in the words of either program. */
interface Told {
  /** type and PCR of every event */
  readonly events: readonly string[];
  /** of the PCRs that are extended: bank, index, value */
  readonly pcrs: readonly string[];
}

function toldByUs(file: Uint8Array): Told {
  const events: string[] = [];
  const touched = new Set<number>();
  const { pcrs, banks } = replayTcgLog(file, nodeCrypto, ({ type, pcr }) => {
    events.push(`${tcgEventName(type)} ${pcr}`);
    if (type !== 3) touched.add(pcr);
  });
  const values = banks.flatMap((bank) =>
    pcrs[bank].flatMap((value, pcr) =>
      touched.has(pcr) && value !== undefined ? [`${bank} ${pcr} ${toHex(value)}`] : [],
    ),
  );
  return { events, pcrs: values.sort() };
}

function toldByTool(file: string): Told {
  const { stdout, status, stderr } = spawnSync(TOOL, [file], { encoding: 'utf8' });
  expect(status, stderr).to.equal(0);
  const events = [...stdout.matchAll(/PCRIndex: (\d+)\n {2}EventType: (\w+)/g)].map(
    ([, pcr, type]) => `${type} ${pcr}`,
  );
  const pcrs: string[] = [];
  let bank = '';
  for (const line of stdout.slice(stdout.indexOf('\npcrs:')).split('\n')) {
    bank = /^ {2}(sha\d+):$/.exec(line)?.[1] ?? bank;
    const [, pcr, value] = /^ {4}(\d+) *: 0x([0-9a-f]+)$/.exec(line) ?? [];
    if (pcr !== undefined) pcrs.push(`${bank} ${pcr} ${value}`);
  }
  return { events, pcrs: pcrs.sort() };
}

const events = fc.array(
  fc.record({
    pcr: fc.nat(15),
    type: fc.constantFrom<Event['type'][]>('EV_NONHOST_CODE', 'EV_COMPACT_HASH', 'EV_CPU_MICROCODE', 'EV_SEPARATOR'),
    data: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  }),
  { minLength: 1, maxLength: 12 },
);

/** Version 5.4 is no judge of EV_NO_ACTION: it extends by one whose digest is not zero, and leaves PCR 0 at zeros whatever the startup locality. */
describe('tpm2_eventlog', () => {
  let directory = '';

  before(function () {
    if (spawnSync(TOOL, ['--version']).error !== undefined) this.skip();
    directory = mkdtempSync(join(tmpdir(), 'mtm-eventlog-'));
  });

  after(() => {
    if (directory !== '') rmSync(directory, { recursive: true });
  });

  function agree(log: Uint8Array): void {
    const file = join(directory, 'log');
    writeFileSync(file, log);
    expect(toldByTool(file)).to.deep.equal(toldByUs(log));
  }

  it('reads the same events and PCR values out of a boot, in either format', () => {
    agree(agileLog(BANKS, BOOT));
    agree(concat(...BOOT.map(sha1Record)));
  });

  it('agrees on records with banks in another order', () => {
    const turned = BOOT.map((event): Event => ({ ...event, banks: ['sha256', 'sha1'] }));
    agree(agileLog(['sha1', 'sha256'], [...turned, separator(9)]));
  });

  it('agrees on logs of random events', () => {
    for (const list of fc.sample(events, { seed: SEED, numRuns: 12 })) {
      agree(agileLog(['sha1', 'sha256', 'sha384'], list));
      agree(concat(...list.map(sha1Record)));
    }
  });
});
