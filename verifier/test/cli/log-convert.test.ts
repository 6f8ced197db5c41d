import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { AGGREGATE, file, imaList, imaPcr } from '../log-check/ima-file.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const FILES = [AGGREGATE, file('/init')];

describe('mtm-verifier log convert', () => {
  let directory = '';

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'mtm-log-convert-'));
    writeFileSync(join(directory, 'list'), imaList(FILES));
    const value = toHex(imaPcr(FILES, 'sha256', 'padded'));
    writeFileSync(join(directory, 'pcrs'), JSON.stringify({ sha256: { 10: value } }));
  });

  after(() => {
    rmSync(directory, { recursive: true });
  });

  function run(...options: readonly string[]) {
    const { status, stdout } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--conditions=mtm-source', MAIN, ...options, '--json'],
      { encoding: 'utf8' },
    );
    return { status, document: JSON.parse(stdout) as Record<string, unknown> };
  }

  it('writes a log that check-log holds PCR values against', () => {
    const [log, out] = [join(directory, 'list'), join(directory, 'out')];
    const rule = ['--ima-template-hash', 'padded'];
    const convert = ['log', 'convert', '--from', 'ima', '--to', 'cel-cbor', '--log', log, '--out', out];
    const made = run(...convert, '--ima-banks', 'sha1,sha256', ...rule);
    expect(made).to.deep.include({ status: 0 });
    expect(made.document).to.include({ ok: true, records: 2, leftOut: 0 });
    const checked = run('check-log', '--format', 'cel', '--log', out, '--pcrs', join(directory, 'pcrs'), ...rule);
    expect(checked.status).to.equal(0);
    expect(checked.document).to.deep.include({ ok: true, encoding: 'cbor', compared: { sha256: [10] } });
  });

  it('ends with 2 where the rule of IMA matters and is missing', () => {
    const files = ['--log', join(directory, 'list'), '--out', join(directory, 'other')];
    const { status, document } = run(
      'log',
      'convert',
      '--from',
      'ima',
      '--to',
      'cel-tlv',
      ...files,
      '--ima-banks',
      'sha256',
    );
    expect(status).to.equal(2);
    expect(document).to.include({ ok: false, code: 'option.ima-template-hash' });
  });
});
