import type { ReasonCode } from '@mtm-attest/protocol';

/** One thing that is wrong with evidence, or that must be known about it. */
export interface Finding {
  readonly code: ReasonCode;
  /** what exactly, in words for an operator; bytes as hexadecimal (F-95) */
  readonly detail: string;
  /** position of the event in the log, where one is to blame */
  readonly event?: number;
  readonly component?: string;
  /** hexadecimal digest that the release lists */
  readonly expected?: string;
  /** hexadecimal digest that was measured */
  readonly found?: string;
  /** another release of the manifest that would allow what was found */
  readonly allowedBy?: string;
  /** what a signer would have to add to the release, in JSON */
  readonly toSign?: string;
}

/** What an appraisal can affirm; trusted demands every one (absence is no trust). */
export const CLAIMS = [
  'origin',
  'freshness',
  'identity',
  'log',
  'continuity',
  'boot',
  'release',
  'components',
  'runtime',
  'firmware',
  'ima',
] as const;

export type Claim = (typeof CLAIMS)[number];
