import type { Claims, VerifiedQuote } from '@mtm-attest/protocol';
import type { Claim, Finding } from './finding.ts';
import type { AppraisalInput } from './input.ts';

export interface Outcome {
  readonly affirms: readonly Claim[];
  readonly findings: readonly Finding[];
  /** what is no fault and must be known: of kind *info* */
  readonly warnings?: readonly Finding[];
}

/** What earlier checks established for later ones. */
export interface Examined {
  quote: VerifiedQuote | undefined;
  claims: Claims | undefined;
}

/** One question to the evidence. A check that needs what earlier ones did not establish affirms nothing. */
export interface Check {
  readonly name: string;
  /** whether a finding ends the appraisal: what follows would rest on nothing */
  readonly stops: boolean;
  readonly run: (input: AppraisalInput, examined: Examined) => Outcome;
}

/** Neither affirms nor denies. */
export const NOTHING: Outcome = { affirms: [], findings: [] };
