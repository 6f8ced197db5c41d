import { expect } from 'chai';
import { lintFaults } from '../../src/format/lint.ts';
import type { VectorFile } from '../../src/index.ts';
import { loaded, withoutField, withTest } from '../files.ts';

const { file } = loaded('claims');

/** The same file with other tests, counted anew. */
function withTests(
  change: (tests: VectorFile['groups'][number]['tests']) => VectorFile['groups'][number]['tests'],
): VectorFile {
  const groups = file.groups.map((group) => ({ ...group, tests: change(group.tests) }));
  return { ...file, groups, count: groups.flatMap(({ tests }) => tests).length };
}

describe('lintFaults', () => {
  it('finds nothing in a committed file', () => {
    expect(lintFaults(file)).to.deep.equal([]);
  });

  it('counts', () => {
    expect(lintFaults({ ...file, count: 1 })).to.deep.equal([`count is 1, there are ${file.count} tests`]);
  });

  it('wants ids that are unique and ascending', () => {
    expect(
      lintFaults(withTests(([first, ...rest]) => [...(first === undefined ? [] : [first, first]), ...rest])),
    ).to.include('tcId 1 after 1');
    expect(lintFaults(withTests((tests) => [...tests].reverse()))).to.include(`tcId 1 after 2`);
  });

  it('wants three invalid vectors for each valid one', () => {
    const few = withTests((tests) => tests.filter(({ result }, i) => result === 'valid' || i < 11));
    expect(lintFaults(few)).to.include('7 invalid for 4 valid: fewer than 3 each');
  });

  it('wants a note for each flag, and a use for each note', () => {
    const notes = Object.fromEntries(Object.entries(file.notes).filter(([flag]) => flag !== 'Counter'));
    expect(lintFaults({ ...file, notes })[0]).to.match(/^test \d+ the flag Counter has no note$/);
    const more = { ...file.notes, Unused: { bugType: 'X', effect: 'none', attacks: [] } };
    expect(lintFaults({ ...file, notes: more })).to.deep.equal(['no test carries the flag Unused']);
  });

  it('wants a note to name an attack or an effect', () => {
    const notes = { ...file.notes, Counter: { bugType: 'X', effect: '', attacks: [] } };
    expect(lintFaults({ ...file, notes })).to.deep.equal(['the note Counter names neither attack nor effect']);
    const attack = { ...file.notes, Counter: { bugType: 'X', effect: '', attacks: ['F-47'] } };
    expect(lintFaults({ ...file, notes: attack })).to.deep.equal([]);
  });

  it('wants a code of the protocol in each invalid vector, and none in a valid one', () => {
    expect(lintFaults(withTest(file, 'invalid', { error: 'msgpack.unheard-of' }))).to.deep.equal([
      'test 5 unknown code msgpack.unheard-of',
    ]);
    expect(lintFaults(withTest(file, 'invalid', { error: 'log.replay' }))).to.deep.equal([
      'test 5 unknown code log.replay',
    ]);
    expect(lintFaults(withoutField(file, 'invalid', 'error'))).to.deep.equal(['test 5 is invalid and names no error']);
    expect(lintFaults(withTest(file, 'valid', { error: 'message.field' }))).to.deep.equal([
      'test 1 is valid and names an error',
    ]);
    expect(lintFaults(withTest(file, 'valid', { offset: 0 }))).to.deep.equal(['test 1 is valid and names an error']);
  });

  it('takes reasons of results as codes of the appraisal, and only there', () => {
    const appraisal = loaded('appraisal').file;
    expect(lintFaults(withTest(appraisal, 'invalid', { error: 'log.replay' }))).to.deep.equal([]);
    expect(lintFaults(withTest(appraisal, 'invalid', { error: 'msgpack.type' }))).to.have.length(1);
  });

  it('wants a comment, and a flag on each invalid vector', () => {
    expect(lintFaults(withTest(file, 'valid', { comment: '' }))).to.deep.equal(['test 1 has no comment']);
    expect(lintFaults(withTest(file, 'invalid', { flags: [] }))).to.include('test 5 is invalid and has no flag');
  });
});
