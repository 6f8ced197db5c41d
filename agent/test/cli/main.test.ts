import { expect } from 'chai';
import { mtmAgent } from './command.ts';

describe('mtm-agent', () => {
  it('says what it can do, and its version', () => {
    const help = mtmAgent('--help');
    expect([help.status, help.stderr]).to.deep.equal([0, '']);
    for (const name of ['run', 'enrol', 'tre', 'quote']) expect(help.stdout).to.match(new RegExp(`^ +${name} `, 'm'));
    expect(mtmAgent('--version').stdout).to.match(/^\d+\.\d+\.\d+\n$/);
  });

  it('exits 2 for a command that it does not have, and says what there is', () => {
    const ended = mtmAgent('quotes');
    expect([ended.status, ended.stdout]).to.deep.equal([2, '']);
    expect(ended.stderr).to.include('quote');
  });
});
