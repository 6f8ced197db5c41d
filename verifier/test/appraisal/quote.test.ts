import {
  type BootIdentity,
  encodeClaims,
  parsePcrSelection,
  parseSelectionText,
  TPM_GENERATED_VALUE,
  writePcrSelection,
  writeSignature,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { type AttestationResult, appraise } from '../../src/appraisal/appraise.ts';
import { challengeOf, codesOf, gate, inputOf, SELECTION } from './appraisal.ts';
import { TestKey } from './signing-key.ts';
import { type Answer, CHANNEL, type Lies, TestTerminal } from './terminal.ts';

/** Appraises an honest answer of which a part was replaced. */
function withPart(part: Partial<Answer>): AttestationResult {
  const terminal = new TestTerminal().bootRelease();
  const challenge = challengeOf('gate');
  return appraise(inputOf(terminal, challenge, { ...terminal.answer(challenge), ...part }));
}

function expectOnly(result: AttestationResult, code: string, boot?: BootIdentity): void {
  expect(codesOf(result)).to.deep.equal([code]);
  expect(result.verdict).to.equal('untrusted');
  expect(result.state).to.equal(undefined);
  expect(result.boot, 'shown by a quote that verified').to.deep.equal(boot);
}

/** after the count of banks (u32) and the first bank's algorithm (u16) */
const BITMAP_SIZE_AT = 6;

const booted = (): TestTerminal => new TestTerminal().bootRelease();
const OTHER_CHANNEL = { type: 'tls-exporter', value: new Uint8Array(32).fill(9) } as const;

describe('the quote is by the enrolled key, for this challenge and channel', () => {
  describe('context.mismatch', () => {
    const wrong: readonly (readonly [string, Lies['context']])[] = [
      ['another challenge: replayed (F-01)', { challengeDigest: new Uint8Array(32).fill(1) }],
      ['another connection: relayed (F-03)', { binding: OTHER_CHANNEL }],
      ['no connection: made for local inspection', { binding: { type: 'none', value: new Uint8Array() } }],
      ['another purpose (F-05)', { purpose: 'runtime' }],
      ['local inspection (F-05)', { purpose: 'inspect' }],
      ['another verifier', { audience: 'verifier-b' }],
      ['another terminal (F-04)', { terminal: 't-2' }],
      ['another compartment', { compartment: 'operator-b' }],
      ['another ownership epoch', { ownershipEpoch: 1n }],
      ['another AK Name', { akName: new Uint8Array(34) }],
      ['other claims', { claimsDigest: new Uint8Array(32) }],
      ['a key that nobody asked to vouch for', { keyToBind: new TestKey('stray').spki() }],
    ];
    for (const [what, context = {}] of wrong) {
      it(`refuses a quote for ${what}`, () => {
        expectOnly(gate(booted(), {}, { context }), 'context.mismatch');
      });
    }

    it('refuses, on the channel of another type, evidence bound to the exporter', () => {
      const weaker = { type: 'tls-server-end-point', value: CHANNEL.value } as const;
      expectOnly(gate(booted(), { channel: weaker }), 'context.mismatch');
    });

    it('refuses claims that were exchanged after the quote', () => {
      expectOnly(withPart({ claims: encodeClaims({ auditCounter: 99n }) }), 'context.mismatch');
    });
  });

  it('refuses a quote that names another signer (F-08)', () => {
    const other = new TestTerminal('t-2');
    expectOnly(
      gate(booted(), {}, { attest: { qualifiedSigner: other.qualifiedName }, signer: other.ak }),
      'quote.signer',
    );
  });

  it('refuses a quote by another AK that copied the enrolled Name (F-08)', () => {
    expectOnly(gate(booted(), {}, { signer: new TestKey('impostor') }), 'signature.invalid');
  });

  it('refuses other PCR selections than asked for, whatever their digest (F-15)', () => {
    const terminal = booted();
    const fewer = ['sha256:0,1,4,5,7,10,11,12,13', 'sha256:0', 'sha256:14,13,12,11,10,7,5,4,1', 'sha256:all'];
    for (const text of fewer) {
      const bytes = writePcrSelection(parseSelectionText(text));
      expectOnly(gate(terminal, {}, { attest: { attested: terminal.attested(bytes) } }), 'quote.selection');
    }
  });

  it('refuses the same PCRs in another encoding of the selection (F-15)', () => {
    const terminal = booted();
    const longer = Uint8Array.from([...SELECTION.bytes, 0]);
    longer[BITMAP_SIZE_AT] = 4;
    expect(parsePcrSelection(longer)).to.deep.equal(parsePcrSelection(SELECTION.bytes));
    expectOnly(gate(terminal, {}, { attest: { attested: terminal.attested(longer) } }), 'quote.selection');
  });

  it('refuses attestations of other types, with the AK and the right qualifying data (F-18)', () => {
    const name = booted().akName;
    expectOnly(
      gate(booted(), {}, { attest: { attested: { type: 'certify', name, qualifiedName: name } } }),
      'quote.type',
    );
  });

  it('refuses what no TPM would have signed with a restricted key', () => {
    expectOnly(gate(booted(), {}, { attest: { magic: TPM_GENERATED_VALUE - 1 } }), 'evidence.malformed');
  });

  it('takes scheme and hash from the enrolled key, never from the signature (F-17)', () => {
    const signature = new Uint8Array(64).fill(1);
    expectOnly(
      withPart({ signature: writeSignature({ scheme: 'ecdsa', hash: 'sha384', signature }) }),
      'signature.algorithm',
    );
    const rsa = new Uint8Array(256).fill(1);
    expectOnly(
      withPart({ signature: writeSignature({ scheme: 'rsassa', hash: 'sha256', signature: rsa }) }),
      'signature.algorithm',
    );
  });

  it('refuses bytes that are no attestation, no signature and no claims', () => {
    const junk = nodeCrypto.sha256(new Uint8Array());
    expectOnly(withPart({ attest: junk }), 'evidence.malformed');
    expectOnly(withPart({ attest: new Uint8Array() }), 'evidence.malformed');
    expectOnly(withPart({ signature: Uint8Array.of(0, 0x18, 0) }), 'evidence.malformed');
  });

  it('refuses bytes after the quote and after the signature (F-19)', () => {
    const terminal = booted();
    const challenge = challengeOf('gate');
    const answer = terminal.answer(challenge);
    const longer = (bytes: Uint8Array): Uint8Array => Uint8Array.from([...bytes, 0]);
    for (const part of [{ attest: longer(answer.attest) }, { signature: longer(answer.signature) }]) {
      expectOnly(appraise(inputOf(terminal, challenge, { ...answer, ...part })), 'evidence.malformed');
    }
  });

  it('refuses claims that carry an enrolment token or an activation: only an enrolment knows them', () => {
    const lies = { tokenDigest: new Uint8Array(32), context: { keyToBind: undefined } };
    const terminal = booted();
    expectOnly(gate(terminal, {}, lies), 'evidence.malformed', terminal.boot);
    const other = booted();
    expectOnly(gate(other, {}, { activation: new Uint8Array(32) }), 'evidence.malformed', other.boot);
  });

  it('decodes claims only after the quote that covers them, and refuses signed claims that are none', () => {
    const terminal = booted();
    const challenge = challengeOf('gate');
    const claims = Uint8Array.of(0xc0);
    const lies = { context: { claimsDigest: nodeCrypto.sha256(claims) } };
    const answer = { ...terminal.answer(challenge, CHANNEL, 0, lies), claims };
    expectOnly(appraise(inputOf(terminal, challenge, answer)), 'evidence.malformed', terminal.boot);
  });
});
