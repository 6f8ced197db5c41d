import { verify } from 'node:crypto';
import type { Benchmark } from './benchmark.ts';
import { pairedRatio, repeated } from './pairs.ts';
import { type BareQuote, SteadyAudit } from './steady-audit.ts';
import { figureOf } from './table.ts';

const BATCH = 24;
/** A daemon appraises for days: its code has been compiled long ago. */
const WARM_UP = 10_000;

/** One verification with a cached key and nothing around it. @throws RangeError where the signature does not hold */
export function verifyBare({ attest, signature, key }: BareQuote): void {
  if (!verify('sha256', attest, { key, dsaEncoding: 'ieee-p1363' }, signature)) throw new RangeError('signature');
}

/** (a) One thread: evidence from its bytes to the result, against the signature alone. */
export const appraisal: Benchmark = {
  name: 'a',
  about: 'appraisals in one thread against bare verifications of the same quotes',
  async run({ pairs }) {
    const audit = new SteadyAudit(10);
    for (let i = 0; i < WARM_UP; i++) audit.appraise();
    const ratio = await pairedRatio(
      pairs,
      repeated(BATCH, () => verifyBare(audit.bare)),
      repeated(BATCH, () => audit.appraise()),
    );
    return [
      figureOf(ratio, {
        benchmark: 'a',
        what: 'appraisals / bare verifications in the same CPU time',
        unit: '',
        target: { bound: 'at least', value: 0.7 },
      }),
    ];
  },
};
