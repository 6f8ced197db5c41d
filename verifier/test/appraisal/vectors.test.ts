import { DATA_FILES, type Implementation, loadVectorFile, type ReplayReport, replay } from '@mtm-attest/vectors';
import { expect } from 'chai';
import { appraise, CHECKS } from '../../src/appraisal/appraise.ts';
import type { Check } from '../../src/appraisal/check.ts';
import { CLAIMS } from '../../src/appraisal/finding.ts';
import { appraisalInput, implementation } from '../../src/vectors.ts';

const file = loadVectorFile(DATA_FILES.find((path) => path.endsWith('appraisal.json')) ?? '');
const verifier: Implementation = implementation;

async function replayed(appraisal: NonNullable<Implementation['appraisal']>): Promise<ReplayReport> {
  return await replay([file], [{ ...verifier, appraisal }]);
}

describe('the appraisal vectors', () => {
  it('are decided by this verifier, each as it says', async () => {
    const { disagreements, files } = await replay([file], [verifier], [verifier.name]);
    expect(disagreements).to.deep.equal([]);
    expect(files[0]).to.include({ decidedByNobody: 0, count: file.file.count });
    expect(files[0]?.tallies).to.deep.equal([
      { implementation: 'verifier', agreed: file.file.count, disagreed: 0, undecided: 0, lacks: [] },
    ]);
  });

  it('find a verifier that trusts everything, and one that trusts nothing (F-79)', async () => {
    const credulous = await replayed(() => ({ verdict: 'trusted', codes: [] }));
    expect(credulous.disagreements).to.have.length(credulous.files[0]?.invalid ?? 0);
    const paranoid = await replayed(() => ({ verdict: 'untrusted', codes: ['evidence.malformed'] }));
    expect(paranoid.disagreements.filter(({ expected }) => expected === 'accepted')).to.have.length(
      paranoid.files[0]?.valid ?? 0,
    );
  });

  it('find a verifier that forgets what it accepted before (F-20)', async () => {
    const { disagreements } = await replayed((question) =>
      implementation.appraisal({ ...question, previous: undefined }),
    );
    expect(new Set(disagreements.map(({ expected }) => expected))).to.include('identity.rolled-back');
  });

  it('find a verifier that takes evidence from any connection (F-03)', async () => {
    const { disagreements } = await replayed((question) => {
      const { verdict, codes } = implementation.appraisal(question);
      return codes.includes('context.mismatch') ? { verdict: 'trusted', codes: [] } : { verdict, codes };
    });
    expect(disagreements.map(({ expected }) => expected)).to.include('context.mismatch');
  });

  for (const check of CHECKS) {
    it(`find a verifier that does not ask whether ${check.name}`, async () => {
      const careless = CHECKS.map((one) => (one === check ? { ...one, run: affirmsWithoutLooking(one) } : one));
      const { disagreements } = await replayed((question) => {
        const { verdict, findings } = appraise(appraisalInput(question), careless);
        return { verdict, codes: [...new Set(findings.map(({ code }) => code))] };
      });
      expect(disagreements).not.to.be.empty;
    });
  }
});

/** Runs the check, since later ones rest on what it establishes, and drops what it found. */
function affirmsWithoutLooking({ run }: Check): Check['run'] {
  return (input, examined) => {
    run(input, examined);
    return { affirms: CLAIMS, findings: [] };
  };
}
