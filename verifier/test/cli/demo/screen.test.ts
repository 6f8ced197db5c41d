import { expect } from 'chai';
import { type Output, Screen } from '../../../src/cli/demo/screen.ts';
import { tableLines } from '../../../src/cli/demo/table.ts';
import { ALTERED, DESERVED_HISTORY, followed, HONEST, HONEST_HISTORY } from './fixture.ts';

const ESCAPE = '\x1b';
const TERMINALS = [
  { ...followed(HONEST, 'trusted', HONEST_HISTORY), settled: true },
  { ...followed({ ...HONEST, id: 'honest-2' }, 'trusted', HONEST_HISTORY), settled: true },
  { ...followed(ALTERED, 'untrusted', DESERVED_HISTORY), settled: false },
];

const FORM = { width: 160, coloured: false, whole: false };

class Paper implements Output {
  text = '';
  readonly isTTY: boolean;
  readonly columns = 120;
  readonly rows: number;

  constructor(isTTY: boolean, rows = 24) {
    this.isTTY = isTTY;
    this.rows = rows;
  }

  write(text: string): void {
    this.text += text;
  }
}

describe('the table of the demonstration', () => {
  it('shows expected verdict, verdict and its reason in words, and one row for terminals that stand alike', () => {
    const [, honest, altered, ...others] = tableLines(TERMINALS, FORM);
    expect(honest).to.match(/^= honest x 2 +honest +trusted +trusted +Everything measured/);
    expect(altered).to.match(/^\. runtime-altered-1 +runtime-altered +untrusted +untrusted +component.digest: about/);
    expect(others).to.deep.equal([]);
  });

  it('marks what settled otherwise than deserved', () => {
    const wrong = { ...followed(ALTERED, 'trusted', DESERVED_HISTORY), settled: true };
    expect(tableLines([wrong], FORM)[1]).to.match(/^! /);
  });

  it('is never wider than the screen', () => {
    for (const width of [80, 100, 160]) {
      for (const whole of [false, true]) {
        for (const line of tableLines(TERMINALS, { ...FORM, width, whole })) expect(line.length).to.be.at.most(width);
      }
    }
  });

  it('loses no word of a reason where there is room below', () => {
    const words = 'one two three four five six seven eight nine ten eleven twelve';
    const reasons = [{ code: 'log.replay', detail: words }];
    const one = { ...followed(ALTERED, 'untrusted', DESERVED_HISTORY, { reasons }), settled: true };
    const [, ...lines] = tableLines([one], { ...FORM, width: 80, whole: true });
    expect(lines.length).to.be.greaterThan(1);
    expect(lines.join(' ').replace(/ +/g, ' ')).to.include(words);
  });

  it('is coloured on request only', () => {
    expect(tableLines(TERMINALS, { ...FORM, coloured: true }).join('')).to.include(ESCAPE);
    expect(tableLines(TERMINALS, FORM).join('')).to.not.include(ESCAPE);
  });

  it('rewrites itself on a screen and fits on it', () => {
    const paper = new Paper(true, 6);
    const screen = new Screen(paper, false);
    screen.show(TERMINALS, 0);
    const first = paper.text;
    expect(first.trimEnd().split('\n')).to.have.length.at.most(5);
    screen.show(TERMINALS, 700);
    expect(paper.text.slice(first.length)).to.match(new RegExp(`^${ESCAPE}\\[\\d+A${ESCAPE}\\[J`));
  });

  it('is a plain line now and then where there is no screen', () => {
    const paper = new Paper(false);
    const screen = new Screen(paper, true);
    for (let elapsedMs = 0; elapsedMs < 10_000; elapsedMs += 1000) screen.show(TERMINALS, elapsedMs);
    expect(paper.text.trimEnd().split('\n')).to.have.length(2);
    expect(paper.text).to.include('3 terminals; 2 trusted, 1 untrusted; 3 as deserved, 2 settled');
    expect(paper.text).to.not.include(ESCAPE);
  });
});
