import {
  decodeStrict,
  parseAttest,
  parseClaims,
  parseMessage,
  parseSignature,
  qualifyingData,
  type VerificationKey,
  verifyQuote,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { appraise, CHECKS } from '../src/appraisal/appraise.ts';
import { LogFold } from '../src/appraisal/log-facts.ts';
import { verifyBare } from './appraisal.ts';
import { type Batch, pairedRatios, repeated } from './pairs.ts';
import { SteadyAudit } from './steady-audit.ts';

const a = new SteadyAudit(10) as any;
const acc = a['acc'];
const m = parseMessage(a.frame, 'terminal') as any;
const B = 24;
const inputs: any = a.parts();
const fakeKey = { material: inputs.enrolment.akKey.material, verify: () => true };
const fakeInput = { ...inputs, enrolment: { ...inputs.enrolment, akKey: fakeKey } };
const works: Record<string, () => void> = {
  whole: () => a.appraise(),
  verifyCached: () => {
    inputs.enrolment.akKey.verify(a.bare.attest, a.bare.signature);
  },
  parseMessage: () => {
    parseMessage(a.frame, 'terminal');
  },
  decodeStrict: () => {
    decodeStrict(a.frame);
  },
  fold: () => {
    const f = new LogFold(nodeCrypto.sha256, inputs.previous);
    f.feed(m.log);
    f.facts();
  },
  appraiseNoSig: () => {
    appraise(fakeInput);
  },
  claims: () => {
    parseClaims(m.claims);
  },
  attest: () => {
    parseAttest(m.attest, 'quote');
  },
  sig: () => {
    parseSignature(m.signature);
  },
  sha32: () => {
    nodeCrypto.sha256(m.claims);
  },
};
for (const [i, c] of CHECKS.entries()) {
  if (i === 0)
    works['check0'] = () => {
      c.run(fakeInput, { quote: undefined, claims: undefined });
    };
  else {
    const ex: any = { quote: undefined, claims: undefined };
    CHECKS[0]!.run(fakeInput, ex);
    works['check' + i] = () => {
      c.run(fakeInput, ex);
    };
  }
}
const names = Object.keys(works);
const r = await pairedRatios(
  101,
  names.map((n) => repeated(B, works[n]!)),
  repeated(B, () => verifyBare(a.bare)),
);
r.forEach((x, i) => console.log(names[i]!.padEnd(16), x.median.toFixed(3), x.low.toFixed(3), x.high.toFixed(3)));
