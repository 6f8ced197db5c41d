import { expect } from 'chai';
import { isDeserved, reportOf } from '../../../src/cli/demo/report.ts';
import { ALTERED, DESERVED_HISTORY, followed, HONEST, HONEST_HISTORY } from './fixture.ts';

describe('the report of a demonstration', () => {
  const deserved = { ...followed(ALTERED, 'untrusted', DESERVED_HISTORY), settled: true };

  it('says of each terminal what was expected, what the daemon decided, and what was checked', () => {
    const { schema, terminals } = reportOf([deserved]);
    expect(schema).to.equal('demo.v1.json');
    const [terminal] = terminals;
    expect(terminal).to.have.all.keys(
      'id',
      'operator',
      'scenario',
      'expected',
      'verdict',
      'reasons',
      'history',
      'checks',
    );
    expect(terminal?.history).to.deep.equal(DESERVED_HISTORY.map(({ verdict, code, at }) => ({ verdict, code, at })));
    expect(terminal?.reasons).to.deep.equal([{ code: 'component.digest', detail: 'about component.digest' }]);
  });

  it('finds deserved only what has settled and holds in every check', () => {
    const [good, unsettled, wrong] = reportOf([
      deserved,
      { ...deserved, settled: false },
      { ...followed(HONEST, 'stale', HONEST_HISTORY), settled: true },
    ]).terminals.map(isDeserved);
    expect([good, unsettled, wrong]).to.deep.equal([true, false, false]);
  });
});
