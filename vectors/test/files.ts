import { readFileSync } from 'node:fs';
import { type LoadedFile, loadVectorFile, type VectorFile, type VectorGroup, type VectorTest } from '../src/index.ts';
import { DATA_FILES } from '../src/replay/data-files.ts';

/** The committed file of that name, loaded. */
export function loaded(name: string): LoadedFile {
  return loadVectorFile(pathOf(name));
}

export function pathOf(name: string): string {
  const path = DATA_FILES.find((one) => one.endsWith(`/${name}.json`));
  if (path === undefined) throw new RangeError(`no file ${name}`);
  return path;
}

export function textOf(name: string): string {
  return readFileSync(pathOf(name), 'utf8');
}

/** The same file with the first test of that result changed. */
export function withTest(file: VectorFile, result: 'valid' | 'invalid', change: Partial<VectorTest>): VectorFile {
  return withFirst(file, result, (test) => ({ ...test, ...change }) as VectorTest);
}

/** The same file with a field missing in the first test of that result. */
export function withoutField(file: VectorFile, result: 'valid' | 'invalid', field: string): VectorFile {
  return withFirst(file, result, (test) => {
    const rest = Object.entries(test).filter(([name]) => name !== field);
    return Object.fromEntries(rest) as VectorTest;
  });
}

function withFirst(
  file: VectorFile,
  result: 'valid' | 'invalid',
  change: (test: VectorTest) => VectorTest,
): VectorFile {
  const first = file.groups.flatMap(({ tests }) => tests).find((test) => test.result === result);
  const groups = file.groups.map((group): VectorGroup => {
    return { ...group, tests: group.tests.map((test) => (test === first ? change(test) : test)) };
  });
  return { ...file, groups };
}

export function testsOf({ file }: LoadedFile): readonly VectorTest[] {
  return file.groups.flatMap(({ tests }) => tests);
}
