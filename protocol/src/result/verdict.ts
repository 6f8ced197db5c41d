/** What a verifier says of a terminal, as numbers on the wire. */
export const VERDICTS = { trusted: 1, untrusted: 2, stale: 3, unreachable: 4, unknown: 5 } as const;

export type Verdict = keyof typeof VERDICTS;

/** What appraisal alone can decide; stale and unreachable follow from time. */
export type AppraisedVerdict = 'trusted' | 'untrusted' | 'unknown';
