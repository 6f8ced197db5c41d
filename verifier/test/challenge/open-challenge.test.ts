import { parseMessage, parseSelectionText } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { type ChallengeWish, openChallenge, selectionAsked } from '../../src/challenge/open-challenge.ts';
import { bytes } from '../store/fixture.ts';

const SELECTION = selectionAsked(parseSelectionText('sha256:11,5,13,12'));

const WISH: ChallengeWish = {
  purpose: 'runtime',
  nonce: bytes(32, 1),
  selection: SELECTION,
  cursor: { resetCount: 1, restartCount: 2, count: 3, prefix: bytes(16, 2) },
  knownList: bytes(16, 3),
  expiresAt: 400,
  challengedAt: 500,
};

describe('openChallenge', () => {
  it('is named by the first eight bytes of the digest of what is sent', () => {
    const open = openChallenge(WISH);
    expect(open.digest).to.deep.equal(nodeCrypto.sha256(open.bytes));
    expect(open.id).to.deep.equal(open.digest.slice(0, 8));
  });

  it('sends all that it was asked to, and the terminal reads it', () => {
    const { cursor, knownList, nonce } = WISH;
    expect(parseMessage(openChallenge(WISH).bytes, 'verifier')).to.deep.equal({
      type: 'challenge',
      purpose: 'runtime',
      selection: SELECTION.bytes,
      nonce,
      cursor,
      knownList,
    });
    const bare = openChallenge({ ...WISH, purpose: 'enrol', cursor: undefined, knownList: undefined });
    expect(parseMessage(bare.bytes, 'verifier')).to.deep.equal({
      type: 'challenge',
      purpose: 'enrol',
      selection: SELECTION.bytes,
      nonce,
    });
  });

  it('has another id for every nonce, purpose and cursor: none answers for another (F-02)', () => {
    const wishes: readonly ChallengeWish[] = [
      WISH,
      { ...WISH, nonce: bytes(32, 9) },
      { ...WISH, purpose: 'gate' },
      { ...WISH, cursor: undefined },
      { ...WISH, knownList: undefined },
    ];
    const ids = wishes.map((wish) => Buffer.from(openChallenge(wish).id).toString('hex'));
    expect(new Set(ids).size).to.equal(wishes.length);
  });

  it('asks for the whole log without a cursor, and with one that names no events', () => {
    const nowhere = { resetCount: 0, restartCount: 0, count: 0, prefix: new Uint8Array(16) };
    expect(openChallenge(WISH).wholeLog).to.equal(false);
    expect(openChallenge({ ...WISH, cursor: nowhere }).wholeLog).to.equal(true);
    expect(openChallenge({ ...WISH, cursor: undefined }).wholeLog).to.equal(true);
  });

  it('keeps times to itself', () => {
    const open = openChallenge(WISH);
    expect(open.expiresAt).to.equal(400);
    expect(open.challengedAt).to.equal(500);
    expect(open.bytes).to.deep.equal(openChallenge({ ...WISH, expiresAt: 1, challengedAt: 2 }).bytes);
  });
});

describe('selectionAsked', () => {
  it('names PCRs ascending, whatever order they were configured in', () => {
    expect(SELECTION.pcrs).to.deep.equal([5, 11, 12, 13]);
    expect(openChallenge(WISH).selectedPcrs).to.deep.equal([5, 11, 12, 13]);
  });

  it('takes one bank alone (F-16)', () => {
    expect(() => selectionAsked(parseSelectionText('sha256:0+sha1:0'))).to.throw(RangeError);
    expect(() => selectionAsked([])).to.throw(RangeError);
  });
});
