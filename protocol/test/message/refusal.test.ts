import { expect } from 'chai';
import { PROTOCOL_CODES, type ProtocolCode } from '../../src/error.ts';
import { encodeMessage, parseMessage } from '../../src/message/catalogue.ts';
import { CLOSES, closeCodeOf, REFUSALS, type RefusalCode } from '../../src/message/refusal.ts';
import { REASONS } from '../../src/result/reason.ts';

const OWN = Object.keys(REFUSALS) as (keyof typeof REFUSALS)[];

describe('the refusals', () => {
  it('have codes that the message can carry, from the side that says them', () => {
    for (const code of OWN) {
      const message = { type: 'refusal', code } as const;
      const bytes = encodeMessage(message);
      const { from } = REFUSALS[code];
      const parsed = from === 'terminal' ? parseMessage(bytes, from) : parseMessage(bytes, from);
      expect(parsed).to.deep.equal(message);
      expect(REFUSALS[code].meaning, code).to.match(/^[a-z].*[^.]$/);
    }
  });

  it('close as RFC 6455 has it: 1002 for what is no protocol, 1008 for what the other side does not allow', () => {
    for (const code of Object.keys(PROTOCOL_CODES) as ProtocolCode[]) expect(closeCodeOf(code), code).to.equal(1002);
    for (const code of OWN) expect(closeCodeOf(code), code).to.equal(1008);
    expect(closeCodeOf('toString' as RefusalCode), 'nothing that every object has').to.equal(1002);
    const codes = Object.values(CLOSES).map(({ code }) => code);
    expect(codes).to.deep.equal([1001, 1002, 1003, 1008, 1009]);
  });

  it('share with the reasons only what is said both ways, and nothing with the errors of this package', () => {
    const shared = OWN.filter((code) => Object.hasOwn(REASONS, code));
    expect(shared).to.have.members(['session.superseded', 'enrolment.token-reused', 'verifier.malfunction']);
    expect(OWN.filter((code) => Object.hasOwn(PROTOCOL_CODES, code))).to.deep.equal([]);
  });
});
