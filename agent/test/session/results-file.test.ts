import type { Message } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { ResultsFile } from '../../src/session/results-file.ts';
import { MemoryFiles } from '../../src/storage/memory-files.ts';

function result(ledgerIndex: number): Message<'result'> {
  const challenge = new Uint8Array(8);
  const leafHash = new Uint8Array(32).fill(ledgerIndex);
  return { type: 'result', challenge, verdict: 'trusted', ledgerIndex, leafHash };
}

describe('results as they were acknowledged', () => {
  it('are there again after a restart, with index and leaf hash', async () => {
    const files = new MemoryFiles();
    await new ResultsFile(files, 4).file(result(7));
    await new ResultsFile(files, 4).file({ ...result(9), verdict: 'untrusted', codes: ['component.digest'] });
    expect(await new ResultsFile(files, 4).read()).to.deep.equal([
      { ledgerIndex: 7, leafHash: '07'.repeat(32), verdict: 'trusted', codes: [] },
      { ledgerIndex: 9, leafHash: '09'.repeat(32), verdict: 'untrusted', codes: ['component.digest'] },
    ]);
  });

  it('stay bounded: the newest are kept, never more than twice as many', async () => {
    const files = new MemoryFiles();
    const results = new ResultsFile(files, 4);
    for (let i = 0; i < 100; i++) {
      await results.file(result(i));
      const indices = (await results.read()).map(({ ledgerIndex }) => ledgerIndex);
      expect(indices.length).to.be.at.most(8);
      expect(indices.slice(-4)).to.deep.equal([i - 3, i - 2, i - 1, i].filter((index) => index >= 0));
    }
  });

  it('a line that a crash cut off is no result, and the next one is filed all the same', async () => {
    const files = new MemoryFiles();
    await new ResultsFile(files, 4).file(result(1));
    await files.append('results.jsonl', Buffer.from('{"ledgerIndex":2,"leaf'));
    expect(await new ResultsFile(files, 4).read()).to.have.length(1);
    await new ResultsFile(files, 4).file(result(3));
    const indices = (await new ResultsFile(files, 4).read()).map(({ ledgerIndex }) => ledgerIndex);
    expect(indices).to.deep.equal([1, 3]);
  });
});
