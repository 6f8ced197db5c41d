import { REASONS } from '@mtm-attest/protocol';
import type { Finding } from './finding.ts';

/** A finding as an operator reads it. */
export interface Explained extends Finding {
  readonly meaning: string;
  readonly next: string;
}

/** Adds to each finding what it means and what can be done, and to a digest the release that would allow it. */
export function explain(findings: readonly Finding[]): readonly Explained[] {
  return findings.map((finding) => {
    const { meaning, next } = REASONS[finding.code];
    const hint =
      finding.allowedBy === undefined
        ? ''
        : ` These bytes are listed by ${finding.allowedBy}: was an update cut short?`;
    const entry = finding.toSign === undefined ? '' : ` The entry to sign: ${finding.toSign}`;
    return { ...finding, meaning, next: `${next}${hint}${entry}` };
  });
}
