import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { PROTOCOL_CODES } from '../../src/error.ts';
import { SUBPROTOCOL } from '../../src/message/catalogue.ts';
import { REFUSALS } from '../../src/message/refusal.ts';
import { REASONS } from '../../src/result/reason.ts';
import { markersOf, TABLES, withTables } from './tables.ts';

const SPEC = new URL('../../SPEC.md', import.meta.url);
const SOURCES = new URL('../../../', import.meta.url);

/** A code as prose and tables write it; the subprotocol looks like one. */
const CODE = /`([a-z][a-z-]*\.[a-z][a-z0-9-]*)`/g;
const GENERATED = /<!-- generated: .*?<!-- end of generated -->/gs;
const HEADING = /^#{2,3} (\d+(?:\.\d+)?) /gm;

function codesIn(text: string): ReadonlySet<string> {
  const codes = [...text.matchAll(CODE)].map(([, code]) => code ?? '');
  return new Set(codes.filter((code) => code !== SUBPROTOCOL));
}

describe('SPEC.md', () => {
  let text: string;

  before(() => {
    text = readFileSync(SPEC, 'utf8');
    if (process.env['UPDATE_SPEC'] !== '1') return;
    text = withTables(text);
    writeFileSync(SPEC, text);
  });

  it('has the tables that the source has; UPDATE_SPEC=1 writes them anew', () => {
    expect(withTables(text)).to.equal(text);
  });

  it('prints every table, each once', () => {
    expect(markersOf(text)).to.have.members(Object.keys(TABLES));
  });

  it('names the codes of the tables and no others', () => {
    const known = [...Object.keys(PROTOCOL_CODES), ...Object.keys(REASONS), ...Object.keys(REFUSALS)];
    expect([...codesIn(text)]).to.have.members([...new Set(known)]);
    expect(known).to.include.members([...codesIn(text.replace(GENERATED, ''))]);
  });

  it('numbers its sections in order, without gaps', () => {
    const sections = [...text.matchAll(HEADING)].map(([, number]) => number ?? '');
    let [chapter, section] = [0, 0];
    for (const number of sections) {
      const [major, minor] = number.split('.').map(Number);
      if (minor === undefined) [chapter, section] = [chapter + 1, 0];
      else section += 1;
      expect(number).to.equal(minor === undefined ? `${chapter}` : `${chapter}.${section}`);
      expect(major).to.equal(chapter);
    }
  });

  it('has every section that the sources cite', () => {
    const sections = [...text.matchAll(HEADING)].map(([, number]) => number ?? '');
    const cited = citations();
    expect(cited.length).to.be.above(20);
    expect(sections).to.include.members(cited);
  });
});

/** Section numbers in the sources of every package: `SPEC.md 7.6, 7.7`. */
function citations(): readonly string[] {
  const folders = ['protocol', 'agent', 'verifier', 'vectors'].map((name) =>
    fileURLToPath(new URL(`${name}/src`, SOURCES)),
  );
  const files = folders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(folder, name), 'utf8')),
  );
  return files.flatMap((source) =>
    [...source.matchAll(/SPEC\.md (\d+(?:\.\d+)?(?:, \d+\.\d+)*)/g)].flatMap(([, list]) => (list ?? '').split(', ')),
  );
}
