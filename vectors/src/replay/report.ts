import type { FileReport, ReplayReport, Tally } from './replay.ts';

const MAX_SHOWN = 20;

/** The report as lines for people. */
export function reportText(report: ReplayReport): string {
  const totals = totalTallies(report.files);
  const shown = report.disagreements
    .slice(0, MAX_SHOWN)
    .map(({ file, tcId, comment, implementation, expected, got }) => {
      return `DISAGREES ${file} test ${tcId} (${comment}): ${implementation} says ${got}; expected ${expected}`;
    });
  const hidden = report.disagreements.length - shown.length;
  return [
    ...report.files.map(fileLine),
    ...shown,
    ...(hidden > 0 ? [`and ${hidden} more`] : []),
    ...totals.map((tally) => `${tally.implementation}: ${tallyText(tally)}`),
    undecidedLine(report.files),
    report.ok ? 'All agree.' : `${report.disagreements.length} disagreements.`,
    '',
  ].join('\n');
}

function fileLine({ file, count, valid, invalid, tallies }: FileReport): string {
  const each = tallies.map((tally) => {
    const decided = tally.agreed + tally.disagreed > 0;
    return `${tally.implementation} ${decided ? tallyText(tally) : 'decides none'}`;
  });
  return `${file}: ${count} vectors (${valid} valid, ${invalid} invalid): ${each.join('; ')}`;
}

function tallyText({ agreed, disagreed, undecided, lacks }: Tally): string {
  const parts = [`${agreed} agree`];
  if (disagreed > 0) parts.push(`${disagreed} disagree`);
  if (undecided > 0) parts.push(`${undecided} not decided (lacks ${lacks.join(', ')})`);
  return parts.join(', ');
}

function undecidedLine(files: readonly FileReport[]): string {
  const nobody = files.filter(({ decidedByNobody }) => decidedByNobody > 0);
  const sum = nobody.reduce((total, { decidedByNobody }) => total + decidedByNobody, 0);
  if (sum === 0) return 'Every vector was decided.';
  return `${sum} vectors were decided by nobody (${nobody.map(({ file }) => file).join(', ')}): give --implementation MODULE.`;
}

/** Over all files, by implementation. */
export function totalTallies(files: readonly FileReport[]): readonly Tally[] {
  const totals = new Map<string, Tally>();
  for (const tally of files.flatMap(({ tallies }) => tallies)) {
    const before = totals.get(tally.implementation);
    totals.set(tally.implementation, {
      implementation: tally.implementation,
      agreed: tally.agreed + (before?.agreed ?? 0),
      disagreed: tally.disagreed + (before?.disagreed ?? 0),
      undecided: tally.undecided + (before?.undecided ?? 0),
      lacks: [...new Set([...(before?.lacks ?? []), ...tally.lacks])],
    });
  }
  return [...totals.values()];
}
