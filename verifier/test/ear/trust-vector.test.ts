import { REASONS, type ReasonCode, TERMINAL_CLASSES, VERDICTS, type Verdict } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { claimsMoreThan, tierOfVector } from '../../src/ear/ar4si.ts';
import { statusOf, trustVector } from '../../src/ear/trust-vector.ts';

const CODES = Object.keys(REASONS) as readonly ReasonCode[];
const CONDEMNING = CODES.filter((code) => ['boot', 'reference', 'enrolment'].includes(REASONS[code].kind));

describe('trustworthiness vector of a standing', () => {
  it('affirms the hardware of a trusted terminal of the class tpm-endorsed alone', () => {
    for (const terminalClass of TERMINAL_CLASSES) {
      const { hardware } = trustVector({ verdict: 'trusted', codes: [], class: terminalClass });
      expect(hardware, terminalClass).to.equal(terminalClass === 'tpm-endorsed' ? 2 : undefined);
    }
    const untrusted = { verdict: 'untrusted', codes: ['component.digest'], class: 'tpm-endorsed' } as const;
    expect(trustVector(untrusted).hardware).to.equal(undefined);
  });

  it('a trusted terminal is recognised and ran approved code only, at boot and after', () => {
    const standing = { verdict: 'trusted', codes: ['boot.new'], class: 'software' } as const;
    expect(trustVector(standing)).to.deep.equal({ 'instance-identity': 2, executables: 2 });
    expect(statusOf(standing)).to.equal('affirming');
  });

  it('every reason that condemns makes its claim worse than affirming, and the terminal contraindicated', () => {
    expect(CONDEMNING.length).to.be.greaterThan(15);
    for (const code of CONDEMNING) {
      const standing = { verdict: 'untrusted', codes: [code], class: 'tpm-endorsed' } as const;
      expect(tierOfVector(trustVector(standing)), code).to.be.oneOf(['warning', 'contraindicated']);
      expect(statusOf(standing), code).to.equal('contraindicated');
    }
  });

  it('says what kind of failure it is: 99 for what did not verify, 96 and 97 for an identity, 33 for the unknown', () => {
    const of = (...codes: ReasonCode[]): unknown => trustVector({ verdict: 'untrusted', codes, class: 'software' });
    expect(of('signature.invalid')).to.deep.equal({ 'instance-identity': 99, executables: 0 });
    expect(of('identity.diverged')).to.deep.equal({ 'instance-identity': 96, executables: 0 });
    expect(of('quote.signer')).to.deep.equal({ 'instance-identity': 97, executables: 0 });
    expect(of('log.replay')).to.deep.equal({ 'instance-identity': 0, executables: 99 });
    expect(of('component.unlisted')).to.deep.equal({ 'instance-identity': 0, executables: 33 });
    expect(of('component.unlisted', 'component.digest', 'release.expired', 'component.missing')).to.deep.equal({
      'instance-identity': 0,
      executables: 96,
      configuration: 36,
    });
  });

  it('asserts nothing of a terminal that is stale, unreachable or unknown', () => {
    for (const verdict of ['stale', 'unreachable', 'unknown'] as const) {
      const standing = { verdict, codes: ['challenge.unanswered'], class: 'tpm-endorsed' } as const;
      expect(trustVector(standing)).to.deep.equal({ 'instance-identity': 0, executables: 0 });
      expect(statusOf(standing)).to.equal('none');
    }
    const malfunction = { verdict: 'unknown', codes: ['verifier.malfunction'], class: 'software' } as const;
    expect(trustVector(malfunction)).to.deep.equal({ 'instance-identity': -1, executables: 0 });
  });

  it('no status claims more than its vector, and affirming means trusted', () => {
    for (const verdict of Object.keys(VERDICTS) as readonly Verdict[]) {
      for (const code of CODES) {
        for (const terminalClass of TERMINAL_CLASSES) {
          const standing = { verdict, codes: [code], class: terminalClass };
          const status = statusOf(standing);
          expect(claimsMoreThan(status, tierOfVector(trustVector(standing)))).to.equal(false);
          expect(status === 'affirming').to.equal(verdict === 'trusted');
        }
      }
    }
  });
});
