import type { LoadedFile } from '../format/load.ts';
import type { VectorGroup, VectorTest } from '../format/vector-file.ts';
import type { Implementation } from '../implementation/implementation.ts';
import { testType } from '../test-type/table.ts';
import type { Decision } from '../test-type/test-type.ts';

/** What one implementation did with one file. */
export interface Tally {
  readonly implementation: string;
  /** decided as the vector says */
  readonly agreed: number;
  readonly disagreed: number;
  readonly undecided: number;
  /** what was lacking to decide the others: test types and algorithms */
  readonly lacks: readonly string[];
}

export interface FileReport {
  readonly file: string;
  readonly count: number;
  readonly valid: number;
  readonly invalid: number;
  /** vectors that no implementation decided */
  readonly decidedByNobody: number;
  readonly tallies: readonly Tally[];
}

export interface Disagreement {
  readonly file: string;
  readonly tcId: number;
  readonly comment: string;
  readonly implementation: string;
  readonly expected: string;
  readonly got: string;
}

export interface ReplayReport {
  readonly ok: boolean;
  readonly files: readonly FileReport[];
  readonly disagreements: readonly Disagreement[];
}

/** Algorithms that every implementation named in `demanded` must have decided: a run that lost one proves nothing. */
const DEMANDED_ALGORITHMS: ReadonlySet<string> = new Set(['ecdsa-p256', 'ed25519']);

/**
 * Replays every vector with every implementation.
 *
 * @param demanded names of implementations that may leave no vector over ECDSA or Ed25519 undecided, nor one that nobody else decides; only
 * what lies beyond the protocol package (appraisal) may stay undecided by all
 */
export async function replay(
  files: readonly LoadedFile[],
  implementations: readonly Implementation[],
  demanded: readonly string[] = [],
): Promise<ReplayReport> {
  const disagreements: Disagreement[] = [];
  const reports: FileReport[] = [];
  for (const loaded of files) reports.push(await replayFile(loaded, implementations, demanded, disagreements));
  return { ok: disagreements.length === 0, files: reports, disagreements };
}

async function replayFile(
  { path, file }: LoadedFile,
  implementations: readonly Implementation[],
  demanded: readonly string[],
  disagreements: Disagreement[],
): Promise<FileReport> {
  const counts = implementations.map(({ name }) => new Count(name));
  const tests = file.groups.flatMap((group) => group.tests.map((test) => [group, test] as const));
  let decidedByNobody = 0;
  for (const [group, test] of tests) {
    const decisions = await Promise.all(implementations.map((one) => decisionOf(one, group, test)));
    const nobody = decisions.every(({ kind }) => kind === 'undecided');
    if (nobody) decidedByNobody += 1;
    for (const [i, decision] of decisions.entries()) {
      const implementation = implementations[i]?.name ?? '';
      const must = demanded.includes(implementation) && mustBeDecided(group, nobody);
      const got = wrongness(decision, test, must);
      counts[i]?.add(decision, got !== undefined);
      if (got === undefined) continue;
      const { tcId, comment } = test;
      disagreements.push({ file: path, tcId, comment, implementation, expected: expectedOf(test), got });
    }
  }
  const valid = tests.filter(([, { result }]) => result === 'valid').length;
  const invalid = tests.length - valid;
  const tallies = counts.map((count) => count.done());
  return { file: path, count: tests.length, valid, invalid, decidedByNobody, tallies };
}

/** By an implementation that is demanded. What somebody else decided may lack it; what verification rests on may not. */
function mustBeDecided(group: VectorGroup, nobody: boolean): boolean {
  const { beyondProtocol, algorithm } = testType(group.type);
  if (beyondProtocol === true) return false;
  const needed = algorithm?.(group);
  return nobody || (needed !== undefined && DEMANDED_ALGORITHMS.has(needed));
}

async function decisionOf(implementation: Implementation, group: VectorGroup, test: VectorTest): Promise<Decision> {
  const type = testType(group.type);
  const algorithm = type.algorithm?.(group);
  if (algorithm !== undefined && implementation.algorithms?.includes(algorithm) === false) {
    return { kind: 'undecided', lacks: algorithm };
  }
  try {
    return await type.decide(implementation, group, test);
  } catch (error) {
    return refusalOf(error);
  }
}

/** Whatever carries a text `code` is a refusal; anything else that was thrown is a defect. */
function refusalOf(error: unknown): Decision {
  if (typeof error !== 'object' || error === null || !('code' in error) || typeof error.code !== 'string') {
    return { kind: 'differs', detail: `threw ${String(error)}` };
  }
  const offset = 'offset' in error && typeof error.offset === 'number' ? error.offset : undefined;
  return { kind: 'refused', code: error.code, offset };
}

/** @returns what the implementation did where that is not what the vector says, or undefined */
function wrongness(decision: Decision, test: VectorTest, must: boolean): string | undefined {
  switch (decision.kind) {
    case 'undecided':
      return must ? `not decided: lacks ${decision.lacks}` : undefined;
    case 'accepted':
      return test.result === 'valid' ? undefined : 'accepted';
    case 'differs':
      return decision.detail;
    case 'refused': {
      const { code, offset } = decision;
      const asExpected = code === test.error && (test.offset === undefined || test.offset === offset);
      return test.result === 'invalid' && asExpected ? undefined : refusalText(code, offset);
    }
  }
}

function expectedOf(test: VectorTest): string {
  return test.result === 'valid' ? 'accepted' : refusalText(test.error ?? '', test.offset);
}

function refusalText(code: string, offset: number | undefined): string {
  return offset === undefined ? code : `${code} at byte ${offset}`;
}

class Count {
  readonly name: string;
  #agreed = 0;
  #disagreed = 0;
  #undecided = 0;
  readonly #lacks = new Set<string>();

  constructor(name: string) {
    this.name = name;
  }

  add(decision: Decision, wrong: boolean): void {
    if (wrong) this.#disagreed += 1;
    else if (decision.kind === 'undecided') this.#undecided += 1;
    else this.#agreed += 1;
    if (decision.kind === 'undecided') this.#lacks.add(decision.lacks);
  }

  done(): Tally {
    return {
      implementation: this.name,
      agreed: this.#agreed,
      disagreed: this.#disagreed,
      undecided: this.#undecided,
      lacks: [...this.#lacks],
    };
  }
}
