import { expect } from 'chai';
import { loadVectorFile, parseVectorFile, type VectorFile, VectorsError } from '../../src/index.ts';
import { loaded, textOf, withoutField, withTest } from '../files.ts';

const { file } = loaded('claims');
const AMONG_OTHERS = 'x.json';

function refusalOf(change: VectorFile | Readonly<Record<string, unknown>> | string): string {
  try {
    parseVectorFile(typeof change === 'string' ? change : JSON.stringify(change), AMONG_OTHERS);
  } catch (error) {
    if (error instanceof VectorsError) return `${error.code} ${error.detail}`;
    throw error;
  }
  return 'taken';
}

describe('parseVectorFile', () => {
  it('takes the committed file, and the same content written otherwise', () => {
    expect(parseVectorFile(textOf('claims'), AMONG_OTHERS)).to.deep.equal(file);
    expect(refusalOf(file)).to.equal('taken');
  });

  it('refuses what is no JSON', () => {
    expect(refusalOf('{')).to.equal('file.json x.json');
    expect(refusalOf(textOf('claims').slice(0, -3))).to.equal('file.json x.json');
  });

  it('refuses a file that names no schema that it knows', () => {
    expect(refusalOf({ ...file, schema: 'claims.v2.json' })).to.contain('file.schema x.json: no known schema');
    expect(refusalOf('[]')).to.contain('file.schema');
    expect(refusalOf('null')).to.contain('file.schema');
  });

  it('refuses vectors of another protocol', () => {
    expect(refusalOf({ ...file, protocol: 'mtm-attest.v2' })).to.contain('$.protocol: not mtm-attest.v1');
  });

  it('refuses unknown keys in the file, in a note, in a group and in a test', () => {
    const [group] = file.groups;
    const [flag, note] = Object.entries(file.notes)[0] ?? [];
    expect(refusalOf({ ...file, more: 1 })).to.contain('$.more: unknown');
    expect(refusalOf({ ...file, notes: { ...file.notes, [flag ?? '']: { ...note, more: 1 } } })).to.contain(
      '.more: unknown',
    );
    expect(refusalOf({ ...file, groups: [{ ...group, more: 1 }] })).to.contain('$.groups[0].more: unknown');
    expect(refusalOf(withTest(file, 'valid', { more: 1 }))).to.contain('$.groups[0].tests[0].more: unknown');
  });

  it('refuses a test without its input, and a result that is neither', () => {
    expect(refusalOf(withoutField(file, 'valid', 'input'))).to.contain('.input: missing');
    expect(refusalOf(withTest(file, 'valid', { result: 'acceptable' as never }))).to.contain('.result: not one of');
  });

  it('refuses a file of one schema under the name of another', () => {
    expect(refusalOf({ ...file, schema: 'codec.v1.json' })).to.contain('file.schema');
  });

  it('refuses a file that breaks a rule', () => {
    expect(refusalOf({ ...file, count: file.count + 1 })).to.contain('file.lint x.json: count is');
  });
});

describe('loadVectorFile', () => {
  it('refuses a file that cannot be read', () => {
    expect(() => loadVectorFile('/no/such/file.json'))
      .to.throw(VectorsError)
      .with.property('code', 'file.unreadable');
  });
});
