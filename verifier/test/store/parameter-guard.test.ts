import { expect } from 'chai';
import { sql } from 'kysely';
import { VerifierError } from '../../src/error.ts';
import { storeFault } from '../../src/store/fault.ts';
import { guardParameters, plainRow } from '../../src/store/parameter-guard.ts';
import { type TemporaryStore, temporaryStore } from './fixture.ts';

describe('parameters of the store', () => {
  let store: TemporaryStore;

  before(async () => {
    store = await temporaryStore();
  });

  after(async () => {
    await store.remove();
  });

  const refused: readonly [string, unknown][] = [
    ['a boolean, on which an engine ends the process', true],
    ['undefined', undefined],
    ['NaN', Number.NaN],
    ['a fraction', 1.5],
    ['an integer that loses digits', 2 ** 53],
    ['a bigint', 1n],
    ['a date', new Date(0)],
    ['an object', {}],
    ['a list', [1]],
    ['bare memory', new ArrayBuffer(4)],
  ];
  for (const [what, value] of refused) {
    it(`refuse ${what}, before the engine sees it`, async () => {
      let code = '';
      try {
        await sql`SELECT ${value} AS a`.execute(store.db);
      } catch (error) {
        if (error instanceof VerifierError) code = error.code;
      }
      expect(code).to.equal('store.parameter');
    });
  }

  const kept: readonly (null | string | number | Uint8Array)[] = [
    null,
    '',
    'text with ü and 𝄞',
    0,
    -1,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    new Uint8Array(0),
    new Uint8Array([0, 255]),
    new Uint8Array([9, 8, 7, 6]).subarray(1, 3),
  ];
  for (const value of kept) {
    it(`give back ${JSON.stringify(value)} as it was`, async () => {
      const { rows } = await sql<{ a: unknown }>`SELECT ${value} AS a`.execute(store.db);
      const found = rows[0]?.a;
      if (value instanceof Uint8Array) {
        expect(found).to.be.instanceOf(Uint8Array);
        expect([...(found as Uint8Array)]).to.deep.equal([...value]);
      } else expect(found).to.equal(value);
    });
  }

  it('name the position of what they refuse, never the value', () => {
    expect(() => guardParameters(['secret', true]))
      .to.throw(VerifierError, 'parameter 2')
      .and.not.to.match(/secret/);
  });

  it('integers that lost digits on the way out are refused', () => {
    expect(() => plainRow({ a: 2 ** 53 })).to.throw(VerifierError, 'store.value');
  });

  it('errors of the engines are told apart', async () => {
    let fault = '';
    const insert = sql`INSERT INTO meta VALUES ('o', 'k', 'v')`;
    await insert.execute(store.db);
    try {
      await insert.execute(store.db);
    } catch (error) {
      fault = storeFault(error);
    }
    expect(fault).to.equal('unique');
    expect(storeFault(Object.assign(new Error(), { errcode: 1555 }))).to.equal('unique');
    expect(storeFault(Object.assign(new Error(), { code: '23505' }))).to.equal('unique');
    expect(storeFault(Object.assign(new Error(), { code: 'SQLITE_BUSY' }))).to.equal('retry');
    expect(storeFault(Object.assign(new Error(), { code: '40001' }))).to.equal('retry');
    expect(storeFault(new Error('disk'))).to.equal('other');
    expect(storeFault(undefined)).to.equal('other');
  });
});
