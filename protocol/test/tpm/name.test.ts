import { expect } from 'chai';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { TPM_RH } from '../../src/tpm/constants.ts';
import { nameOf, primaryQualifiedName } from '../../src/tpm/name.ts';
import { EMULATOR_QUOTE } from '../quote/emulator-quote.ts';
import { expectRefusal } from '../refusal.ts';

describe('Names', () => {
  for (const suite of [nodeCrypto, nobleCrypto]) {
    it(`are those that the TPM emulator gave, with ${suite.name}`, () => {
      const { akPublic, name, qualifiedName } = EMULATOR_QUOTE;
      expect(nameOf(akPublic, suite)).to.deep.equal(name);
      expect(primaryQualifiedName(TPM_RH.ENDORSEMENT, name, suite)).to.deep.equal(qualifiedName);
      expect(primaryQualifiedName(TPM_RH.OWNER, name, suite)).not.to.deep.equal(qualifiedName);
    });
  }

  it('use the nameAlg of the object', () => {
    const area = EMULATOR_QUOTE.akPublic.slice();
    area[3] = 0x0c;
    expect(nameOf(area, nodeCrypto)).to.deep.equal(Uint8Array.from([0, 0x0c, ...nodeCrypto.sha384(area)]));
  });

  it('are refused for an unknown nameAlg and for too few bytes', () => {
    const area = EMULATOR_QUOTE.akPublic.slice();
    area[3] = 0x10;
    expectRefusal(() => nameOf(area, nodeCrypto), 'tpm.value', 2);
    expectRefusal(() => nameOf(area.subarray(0, 3), nodeCrypto), 'tpm.truncated', 3);
    expectRefusal(() => primaryQualifiedName(TPM_RH.ENDORSEMENT, new Uint8Array(), nodeCrypto), 'tpm.value', 0);
  });
});
