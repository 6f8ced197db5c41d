import { expect } from 'chai';
import { fromHex, toHex, utf8 } from '../../src/bytes/text.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { parseSelectionText } from '../../src/tpm/pcr.ts';
import { type PolicyAssertion, policyDigest } from '../../src/tpm/policy-digest.ts';

const { sha256 } = nobleCrypto;
const EMPTY = new Uint8Array();
const NAME = fromHex(`000b${'5a'.repeat(32)}`);
const SECRET: PolicyAssertion = { type: 'secret', entityName: fromHex('4000000b'), policyRef: EMPTY };

function digest(...assertions: readonly PolicyAssertion[]): string {
  return toHex(policyDigest(assertions, sha256));
}

describe('the digest of a policy', () => {
  it('is that of the standard endorsement key for the secret of its hierarchy (G.1)', () => {
    expect(digest(SECRET)).to.equal('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa');
  });

  it('is the known one for a PCR (G.3)', () => {
    const value = fromHex('ed3e31ddfc05890b8f86977c4ff8755d7d8bdfa4faecb0aa3f80d1a1187b33d6');
    expect(digest({ type: 'pcr', selection: parseSelectionText('sha256:10'), pcrDigest: sha256(value) })).to.equal(
      '8b942bcc91ac4e9264604255d4e47eca222112c8289187ea68dabcc1d23cd706',
    );
  });

  it('is zeros where nothing is demanded, and depends on the order', () => {
    const code: PolicyAssertion = { type: 'command-code', code: 0x15e };
    expect(digest()).to.equal('00'.repeat(32));
    expect(digest(SECRET, code)).not.to.equal(digest(code, SECRET));
  });

  it('forgets what was before an approval or an alternative: these stand for it', () => {
    const authorize: PolicyAssertion = { type: 'authorize', keyName: NAME, policyRef: utf8('release') };
    const or: PolicyAssertion = { type: 'or', branches: [NAME.subarray(2), new Uint8Array(32)] };
    for (const last of [authorize, or]) expect(digest(SECRET, last)).to.equal(digest(last));
    expect(digest(authorize)).not.to.equal(digest({ ...authorize, policyRef: EMPTY }));
  });

  it('binds index, operand, offset and comparison of an NV index', () => {
    const nv = { type: 'nv', indexName: NAME, operand: fromHex('0000000000000001'), offset: 0, operation: 0 } as const;
    const others = [
      { ...nv, indexName: fromHex(`000b${'5b'.repeat(32)}`) },
      { ...nv, operand: fromHex('0000000000000002') },
      { ...nv, offset: 1 },
      { ...nv, operation: 7 },
    ];
    expect(new Set([nv, ...others].map((one) => digest(one))).size).to.equal(5);
  });
});
