import { expect } from 'chai';
import { fromHex, toHex } from '../../src/bytes/text.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { nvName, parseNvPublic, writeNvPublic } from '../../src/tpm/nv-public.ts';
import { expectRefusal } from '../refusal.ts';

const COUNTER = fromHex('01804d10 000b 22040014 0000 0008'.replaceAll(' ', ''));

describe('TPMS_NV_PUBLIC', () => {
  it('reads and writes the same bytes', () => {
    const area = parseNvPublic(COUNTER);
    expect(area).to.deep.include({ index: 0x01804d10, nameAlg: 0x000b, attributes: 0x22040014, dataSize: 8 });
    expect(writeNvPublic(area)).to.deep.equal(COUNTER);
  });

  it('names an index by the hash of its public area, which the first write changes', () => {
    const area = parseNvPublic(COUNTER);
    expect(toHex(nvName(area, nodeCrypto))).to.equal(`000b${toHex(nobleCrypto.sha256(COUNTER))}`);
    const unwritten = nvName({ ...area, attributes: 0x02040014 }, nodeCrypto);
    expect(unwritten).not.to.deep.equal(nvName(area, nodeCrypto));
    expectRefusal(() => nvName({ ...area, nameAlg: 0 }, nodeCrypto), 'tpm.value');
  });

  it('takes nothing cut off or longer (F-19)', () => {
    for (let length = 0; length < COUNTER.length; length++) {
      expectRefusal(() => parseNvPublic(COUNTER.subarray(0, length)), 'tpm.truncated');
    }
    expectRefusal(() => parseNvPublic(Uint8Array.of(...COUNTER, 0)), 'tpm.trailing-bytes');
  });
});
