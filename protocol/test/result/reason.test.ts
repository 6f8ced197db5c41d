import { expect } from 'chai';
import { PROTOCOL_CODES } from '../../src/error.ts';
import { encodeMessage, parseMessage } from '../../src/message/catalogue.ts';
import { isReasonCode, REASONS, type Reason, type ReasonCode } from '../../src/result/reason.ts';
import { VERDICTS } from '../../src/result/verdict.ts';

const CODES = Object.keys(REASONS) as ReasonCode[];
const ALL: readonly (readonly [code: ReasonCode, reason: Reason])[] = CODES.map((code) => [code, REASONS[code]]);

describe('the reasons', () => {
  it('have codes that a result and a noResult can carry (F-42)', () => {
    for (const code of CODES) {
      const message = { type: 'noResult', challenge: new Uint8Array(8), code } as const;
      expect(parseMessage(encodeMessage(message), 'verifier')).to.deep.equal(message);
    }
  });

  it('say in sentences what is the matter and what to do', () => {
    for (const [code, { meaning, next }] of ALL) {
      expect(meaning, code).to.match(/^[A-Z].*[.)]$/s);
      expect(next, code).to.match(/^[A-Z].*\.$/s);
    }
  });

  it('never condemn a terminal for what is the verifier, the connection or a limit to blame', () => {
    for (const [code, { kind }] of ALL) {
      const area = code.slice(0, code.indexOf('.'));
      if (['challenge', 'session', 'limit', 'state', 'verifier', 'connection'].includes(area)) {
        expect(kind, code).to.be.oneOf(['state', 'alarm']);
      }
      if (area === 'identity') expect(kind, code).to.equal('enrolment');
    }
  });

  it('are ended by later Reference Values exactly where Reference Values brought them about', () => {
    const byReference = ALL.filter(([, { kind }]) => kind === 'reference').map(([code]) => code);
    for (const code of byReference) expect(code).to.match(/^(?:component|release|firmware|ima)\./);
    const others = CODES.filter((code) => /^(?:component|release)\./.test(code) && !byReference.includes(code));
    expect(others).to.deep.equal(['release.new']);
  });

  it('are known by their code alone, not by what every object has (F-44)', () => {
    for (const code of CODES) expect(isReasonCode(code)).to.equal(true);
    for (const code of ['constructor', 'toString', '__proto__', '', 'trusted', 'state']) {
      expect(isReasonCode(code)).to.equal(false);
    }
  });

  it('share a code with a refusal only where both mean the same', () => {
    const shared = CODES.filter((code) => Object.hasOwn(PROTOCOL_CODES, code));
    expect(shared).to.have.members([
      'quote.type',
      'quote.selection',
      'quote.signer',
      'signature.algorithm',
      'signature.invalid',
      'ima.malformed',
    ]);
  });
});

describe('the verdicts', () => {
  it('are five, numbered for the wire', () => {
    expect(VERDICTS).to.deep.equal({ trusted: 1, untrusted: 2, stale: 3, unreachable: 4, unknown: 5 });
  });
});
