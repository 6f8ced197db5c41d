import { expect } from 'chai';
import fc from 'fast-check';
import { utf8 } from '../../src/bytes/text.ts';
import {
  type EnrolmentToken,
  encodeEnrolmentToken,
  parseEnrolmentToken,
  TERMINAL_CLASSES,
} from '../../src/message/enrolment-token.ts';
import { expectRefusal, unlessRefused } from '../refusal.ts';

const SEED = 40_304;

const TOKEN: EnrolmentToken = {
  url: 'wss://verifier.example:8443/attest',
  rootDigest: new Uint8Array(32).fill(1),
  terminal: 'terminal-1',
  class: 'software',
  secret: new Uint8Array(32).fill(2),
};
const LINE = encodeEnrolmentToken(TOKEN);
const PARTS = LINE.split('~');

const tokens: fc.Arbitrary<EnrolmentToken> = fc.record({
  url: fc.constantFrom('wss://a', 'wss://[::1]:8443/attest', 'wss://verifier.example:8443/a/b'),
  rootDigest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  terminal: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  class: fc.constantFrom(...TERMINAL_CLASSES),
  secret: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});

describe('an enrolment token', () => {
  it('comes back from its one line, white space around it aside', () => {
    const property = fc.property(tokens, (token) => {
      expect(parseEnrolmentToken(encodeEnrolmentToken(token))).to.deep.equal(token);
      expect(parseEnrolmentToken(utf8(`\n ${encodeEnrolmentToken(token)}\r\n`))).to.deep.equal(token);
    });
    fc.assert(property, { seed: SEED });
    expect(LINE).to.equal(
      `mtm1~wss://verifier.example:8443/attest~${'01'.repeat(32)}~terminal-1~software~${'02'.repeat(32)}`,
    );
  });

  it('is refused with a part missing, added or spoilt (F-42)', () => {
    for (let i = 0; i < PARTS.length; i++) {
      expectRefusal(() => parseEnrolmentToken(PARTS.toSpliced(i, 1).join('~')), 'enrolment.token-malformed');
      expectRefusal(() => parseEnrolmentToken(PARTS.toSpliced(i, 0, '').join('~')), 'enrolment.token-malformed');
      expectRefusal(() => parseEnrolmentToken(PARTS.with(i, '').join('~')), 'enrolment.token-malformed');
    }
    expectRefusal(() => parseEnrolmentToken(`${LINE}~`), 'enrolment.token-malformed');
    expectRefusal(() => parseEnrolmentToken(`${LINE}~x`), 'enrolment.token-malformed');
    const spoilt: readonly (readonly [part: number, values: readonly string[]])[] = [
      [0, ['mtm2', 'MTM1', 'mtm1 ']],
      [1, ['https://a', 'ws://a', 'a', 'wss://', 'wss://u@a', 'wss://u:p@a', 'wss://a?b', 'wss://a#b']],
      [2, ['01'.repeat(31), '01'.repeat(33), 'zz'.repeat(32)]],
      [3, ['Terminal', '../a', 'x'.repeat(65)]],
      [4, ['Software', 'hardware', 'toString']],
      [5, ['02'.repeat(31), '0x'.repeat(32)]],
    ];
    for (const [part, values] of spoilt) {
      for (const value of values) {
        const line = PARTS.with(part, value).join('~');
        expectRefusal(() => parseEnrolmentToken(line), 'enrolment.token-malformed');
      }
    }
  });

  it('is refused where it is long (F-46)', () => {
    const line = PARTS.with(1, `wss://${'a'.repeat(1024)}`).join('~');
    expectRefusal(() => parseEnrolmentToken(line), 'enrolment.token-malformed');
  });

  it('cut anywhere is refused', () => {
    for (let length = 0; length < LINE.length; length++) {
      expectRefusal(() => parseEnrolmentToken(LINE.slice(0, length)), 'enrolment.token-malformed');
    }
  });

  it('is never shown by its refusal: it is a secret', () => {
    for (const line of [`${LINE}0`, LINE.replace('wss', 'ws')]) {
      let message = '';
      try {
        parseEnrolmentToken(line);
      } catch (error) {
        message = String(error);
      }
      expect(message).to.match(/token-malformed/);
      expect(message).to.not.include('02'.repeat(8));
    }
  });

  it('meets any text with a code or with a token', () => {
    const pieces = fc.constantFrom(...PARTS, '~', 'mtm1', ' ', '\0', '\u{1f600}');
    const property = fc.property(fc.array(pieces, { maxLength: 14 }), (parts) => {
      unlessRefused(() => parseEnrolmentToken(parts.join('')));
    });
    fc.assert(property, { seed: SEED, numRuns: 1000 });
  });
});
