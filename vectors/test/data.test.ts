import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EVENTS, MESSAGES, PROTOCOL_CODES, REASONS, TERMINAL_SESSION, VERIFIER_SESSION } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { generatedFiles } from '../src/generate/generated-files.ts';
import { loadVectorFile } from '../src/index.ts';
import { DATA_FILES } from '../src/replay/data-files.ts';
import { VECTOR_FILE_NAMES } from '../src/test-type/table.ts';
import { loaded, testsOf } from './files.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MAX_BYTES = 1_000_000;

/**
 * Codes that no vector can show: texts that never come over the wire, files of other tools, a log of a million records, and data of an event
 * that is only told otherwise, never refused.
 */
const OUTSIDE = /^(bytes|file)\.|^tpm\.selection-text$|^tcg-log\.(too-long|event-data)$/;

/** Reasons that a verifier gives without looking at the content of evidence. */
const NOT_OF_EVIDENCE = new Set(['identity.diverged']);

type Side = 'terminal' | 'verifier';
type Table = Readonly<Record<string, Readonly<Record<string, string>>>>;

const TABLES: Readonly<Record<Side, Table>> = { terminal: TERMINAL_SESSION, verifier: VERIFIER_SESSION };
const STARTS: Readonly<Record<Side, string>> = { terminal: 'connected', verifier: 'greeting' };

describe('the committed vectors and schemas', () => {
  const generated = generatedFiles();

  for (const [path, text] of generated) {
    it(`${path} is what the generator makes`, () => {
      expect(readFileSync(`${ROOT}/${path}`, 'utf8') === text, 'run the generator').to.equal(true);
    });
  }

  it('are the same, byte for byte, each time they are made', () => {
    expect([...generatedFiles()].filter(([path, text]) => generated.get(path) !== text).map(([path]) => path)).to.be
      .empty;
  });

  it('are all there is', () => {
    const there = ['data', 'schema'].flatMap((folder) =>
      readdirSync(`${ROOT}/${folder}`).map((name) => `${folder}/${name}`),
    );
    expect(there).to.have.members([...generated.keys()]);
    expect(DATA_FILES).to.have.length(VECTOR_FILE_NAMES.length);
  });

  it('stay small', () => {
    const sizes = [...generated.values()].map(({ length }) => length);
    expect(Math.max(...sizes)).to.be.below(MAX_BYTES);
    expect(sizes.reduce((sum, size) => sum + size)).to.be.below(3 * MAX_BYTES);
  });

  it('have the form of their schemas and break no rule', () => {
    for (const path of DATA_FILES) expect(() => loadVectorFile(path)).not.to.throw();
  });
});

describe('what the vectors cover', () => {
  const all = VECTOR_FILE_NAMES.map(loaded);
  const errorsOf = (files: typeof all): ReadonlySet<string> =>
    new Set(files.flatMap(testsOf).flatMap(({ error }) => error ?? []));
  const [appraisal, others] = [all.filter(isAppraisal), all.filter((file) => !isAppraisal(file))];

  function isAppraisal({ path }: { readonly path: string }): boolean {
    return path.endsWith('/appraisal.json');
  }

  it('every code with which the protocol refuses, and no other', () => {
    expect([...errorsOf(others)]).to.have.members(Object.keys(PROTOCOL_CODES).filter((code) => !OUTSIDE.test(code)));
  });

  it('every reason that the content of evidence can give', () => {
    const content = Object.entries(REASONS)
      .filter(([code, { kind }]) => ['boot', 'reference', 'enrolment'].includes(kind) && !NOT_OF_EVIDENCE.has(code))
      .map(([code]) => code);
    expect([...errorsOf(appraisal)]).to.include.members(content);
  });

  it('every message and every event, valid', () => {
    const decoded = (name: string): readonly unknown[] =>
      testsOf(loaded(name))
        .filter(({ result }) => result === 'valid')
        .map(({ value }) =>
          typeof value === 'object' && value !== null && 'type' in value ? value['type'] : undefined,
        );
    expect(decoded('message')).to.include.members(Object.keys(MESSAGES));
    expect(decoded('event-log')).to.include.members(Object.keys(EVENTS));
  });

  it('every transition of both state machines, and every refusal (F-59)', () => {
    const walked = { terminal: new Set<string>(), verifier: new Set<string>() };
    const refused = { terminal: new Set<string>(), verifier: new Set<string>() };
    for (const group of loaded('session').file.groups) {
      const side = group['side'] as Side;
      for (const { inputs, state, result } of group.tests) {
        const walk = inputs as readonly string[];
        if (result === 'invalid') refused[side].add(`${state as string} ${walk.at(-1) ?? ''}`);
        else
          for (const [i, input] of walk.entries()) walked[side].add(`${stateAfter(side, walk.slice(0, i))} ${input}`);
      }
    }
    for (const side of ['terminal', 'verifier'] as const) {
      const table = TABLES[side];
      const rows = Object.entries(table).flatMap(([state, row]) =>
        Object.keys(row).map((input) => `${state} ${input}`),
      );
      expect([...walked[side]], side).to.have.members(rows);
      const inputs = new Set(rows.map((row) => row.split(' ')[1]));
      const pairs = Object.keys(table).flatMap((state) => [...inputs].map((input) => `${state} ${input ?? ''}`));
      const due = pairs.filter((pair) => !rows.includes(pair));
      expect([...refused[side]], side).to.have.members(due);
    }
  });

  it('quotes of a soft TrE and of an emulator, with keys of every kind', () => {
    const groups = loaded('quote').file.groups.map(
      (group) => `${group['origin'] as string} ${group['algorithm'] as string}`,
    );
    expect(groups).to.include.members(['soft ecdsa-p256', 'emulator ecdsa-p256', 'emulator rsassa', 'emulator rsapss']);
  });
});

/** The state after inputs that are all allowed. */
function stateAfter(side: Side, inputs: readonly string[]): string {
  return inputs.reduce((state, input) => TABLES[side][state]?.[input] ?? 'refused', STARTS[side]);
}
