/** What the simulator says of a terminal: the verdict it deserves, and what may show on the way there. */
export interface Announced {
  readonly id: string;
  readonly operator: string;
  readonly scenario: string;
  readonly about: string;
  readonly expected: string;
  /** the verdict that must show before the attack */
  readonly before: string | null;
  /** every one of them must stand beside the verdict */
  readonly codes: readonly string[];
  readonly honest: boolean;
  readonly trustedAfterAttack: boolean;
  readonly settling: 'decisions' | 'deadline' | 'person';
}

/** What the simulator has done to it so far. Times are wall-clock milliseconds since 1970. */
export interface Course {
  readonly attackAt: number | undefined;
  readonly lastStepAt: number | undefined;
  readonly checks: readonly Check[];
}

export interface Check {
  readonly name: string;
  readonly ok: boolean;
}

/** One decision of the daemon, as its API shows it. */
export interface Decision {
  readonly verdict: string;
  readonly code: string | null;
  readonly at: number;
  /** when the challenge was sent whose evidence was appraised; absent where time alone decided */
  readonly challengedAt?: number | undefined;
}

export interface Reason {
  readonly code: string;
  readonly detail: string;
}

/** What the daemon says of it. */
export interface Observed {
  readonly verdict: string;
  readonly reasons: readonly Reason[];
  /** oldest first */
  readonly history: readonly Decision[];
}

/** A terminal as a demonstration sees it: by the simulator's words and by the daemon's, which know nothing of each other. */
export interface Followed {
  readonly announced: Announced;
  readonly course: Course;
  /** absent until the daemon knows the terminal */
  readonly observed: Observed | undefined;
}

/** Times of the daemon's policy, in milliseconds. */
export interface Deadlines {
  readonly intervalMs: number;
  readonly graceMs: number;
  readonly freshnessMs: number;
}

const DECISIONS = 3;
const TIMES = 2;

/** Whether what the daemon says now is its last word: enough was decided, or enough time has passed, since the last step. */
export function isSettled({ announced, course, observed }: Followed, deadlines: Deadlines, now: number): boolean {
  const { lastStepAt } = course;
  if (lastStepAt === undefined || observed === undefined) return false;
  switch (announced.settling) {
    case 'decisions':
      return observed.history.filter(({ at }) => at > lastStepAt).length >= DECISIONS;
    case 'deadline':
      return now >= lastStepAt + TIMES * deadlineOf(announced.expected, deadlines);
    case 'person':
      return now >= lastStepAt + TIMES * deadlines.intervalMs;
  }
}

function deadlineOf(verdict: string, { graceMs, freshnessMs }: Deadlines): number {
  return verdict === 'unreachable' ? graceMs : freshnessMs;
}

/** Everything that must hold of a terminal in the end; it got what it deserves if all of it does. */
export function judge(followed: Followed): readonly Check[] {
  const { announced, course, observed } = followed;
  const { expected, codes, honest, before, trustedAfterAttack } = announced;
  const verdict = observed?.verdict;
  const shown = observed?.reasons.map(({ code }) => code) ?? [];
  const history = observed?.history ?? [];
  const checks: Check[] = [{ name: `the verdict is ${expected}`, ok: verdict === expected }];
  for (const code of codes) checks.push({ name: `the reasons name ${code}`, ok: shown.includes(code) });
  if (honest) {
    checks.push({ name: 'untrusted never shows', ok: history.every((one) => one.verdict !== 'untrusted') });
  } else {
    checks.push({ name: 'the attack took place', ok: course.attackAt !== undefined });
  }
  if (before !== null) {
    checks.push({ name: `${before} before the attack`, ok: showsBefore(before, history, course.attackAt) });
  }
  if (!trustedAfterAttack) {
    const trusted = history.some((one) => isTrustedAfter(one, course.attackAt));
    checks.push({ name: 'never trusted on evidence taken after the attack', ok: !trusted });
  }
  return [...checks, ...course.checks];
}

function showsBefore(verdict: string, history: readonly Decision[], attackAt: number | undefined): boolean {
  return attackAt !== undefined && history.some((one) => one.verdict === verdict && one.at <= attackAt);
}

/** A challenge sent before the attack may have been answered with evidence from before it. */
function isTrustedAfter({ verdict, challengedAt }: Decision, attackAt: number | undefined): boolean {
  return verdict === 'trusted' && challengedAt !== undefined && attackAt !== undefined && challengedAt > attackAt;
}
