import { isReasonCode, PROTOCOL_CODES } from '@mtm-attest/protocol';
import { APPRAISAL } from '../test-type/appraisal.ts';
import type { VectorFile, VectorGroup, VectorTest } from './vector-file.ts';

/** Invalid vectors for each valid one: most mistakes are made in refusing. */
const INVALID_PER_VALID = 3;

/** What breaks a rule of vector files, in words; the file has the form of its schema. */
export function lintFaults(file: VectorFile): readonly string[] {
  const tests = file.groups.flatMap((group) => group.tests);
  return [
    ...countFaults(file, tests),
    ...noteFaults(file, tests),
    ...file.groups.flatMap((group) => group.tests.flatMap((test) => testFaults(file, group, test))),
  ];
}

function countFaults({ count }: VectorFile, tests: readonly VectorTest[]): readonly string[] {
  const faults: string[] = [];
  if (count !== tests.length) faults.push(`count is ${count}, there are ${tests.length} tests`);
  tests.forEach(({ tcId }, i) => {
    const before = tests[i - 1]?.tcId ?? 0;
    if (tcId <= before) faults.push(`tcId ${tcId} after ${before}`);
  });
  const valid = tests.filter(({ result }) => result === 'valid').length;
  if (tests.length - valid < INVALID_PER_VALID * valid) {
    faults.push(`${tests.length - valid} invalid for ${valid} valid: fewer than ${INVALID_PER_VALID} each`);
  }
  return faults;
}

function noteFaults({ notes }: VectorFile, tests: readonly VectorTest[]): readonly string[] {
  const used = new Set(tests.flatMap(({ flags }) => flags));
  return Object.entries(notes).flatMap(([flag, { effect, attacks }]) => [
    ...(used.has(flag) ? [] : [`no test carries the flag ${flag}`]),
    ...(effect === '' && attacks.length === 0 ? [`the note ${flag} names neither attack nor effect`] : []),
  ]);
}

function testFaults({ notes }: VectorFile, group: VectorGroup, test: VectorTest): readonly string[] {
  const { tcId, comment, flags, result, error, offset } = test;
  const faults: string[] = [];
  if (comment === '') faults.push('has no comment');
  for (const flag of flags) if (!Object.hasOwn(notes, flag)) faults.push(`the flag ${flag} has no note`);
  if (result === 'valid' && (error !== undefined || offset !== undefined)) faults.push('is valid and names an error');
  if (result === 'invalid') {
    if (flags.length === 0) faults.push('is invalid and has no flag');
    if (error === undefined) faults.push('is invalid and names no error');
    else if (!isCodeOf(group, error)) faults.push(`unknown code ${error}`);
  }
  return faults.map((fault) => `test ${tcId} ${fault}`);
}

/** Appraisal gives reasons, everything else refuses with a code of the protocol. */
function isCodeOf(group: VectorGroup, code: string): boolean {
  return group.type === APPRAISAL.name ? isReasonCode(code) : Object.hasOwn(PROTOCOL_CODES, code);
}
