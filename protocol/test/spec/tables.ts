import { PROTOCOL_CODES } from '../../src/error.ts';
import { MAX_LIST_BYTES } from '../../src/event-log/component-list.ts';
import { EVENTS } from '../../src/event-log/event.ts';
import { MAX_CONTENT_BYTES, MAX_PCR, MAX_RECORDS } from '../../src/event-log/record.ts';
import { PCR_BYTES, PCR_COUNT } from '../../src/event-log/replay.ts';
import { MAX_MESSAGE_BYTES, MAX_SLICE_BYTES, MESSAGES, type MessageName } from '../../src/message/catalogue.ts';
import { provesEndorsementKey, TERMINAL_CLASSES } from '../../src/message/enrolment-token.ts';
import type { Field } from '../../src/message/field.ts';
import { CLOSES, REFUSALS } from '../../src/message/refusal.ts';
import { MAX_DEPTH } from '../../src/msgpack/strict.ts';
import { BINDING_TYPES, PURPOSES } from '../../src/quote/context.ts';
import { COMPONENT_PHASES, MAX_MANIFEST_BYTES } from '../../src/reference/manifest.ts';
import { REASONS } from '../../src/result/reason.ts';
import { VERDICTS } from '../../src/result/verdict.ts';
import { TERMINAL_SESSION } from '../../src/session/terminal.ts';
import { VERIFIER_SESSION } from '../../src/session/verifier.ts';
import {
  AK_ATTRIBUTES,
  HASHES,
  TPM_ECC_NIST_P256,
  TPM_GENERATED_VALUE,
  TPM_RH,
  TPM_ST,
} from '../../src/tpm/constants.ts';

type Cell = string | number;

function table(heads: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), `|${'---|'.repeat(heads.length)}`, ...rows.map(line)].join('\n');
}

const code = (text: Cell): string => `\`${text}\``;
const hex = (value: number, digits: number): string => code(`0x${value.toString(16).padStart(digits, '0')}`);

const NAMES = Object.keys(MESSAGES) as readonly MessageName[];

function messages(): string {
  const rows = NAMES.map((name) => [MESSAGES[name].type, code(name), MESSAGES[name].from, MESSAGES[name].about]);
  return table(['`t`', 'message', 'sender', 'says'], rows);
}

function fieldsOf(name: MessageName): string {
  const fields = Object.entries<Field<unknown>>(MESSAGES[name].fields);
  const rows = fields.map(([field, { key, optional, form, about }]) => {
    return [code(key), field, form, optional ? 'may be absent' : 'always', about];
  });
  return `**${name}** (\`t\` = ${MESSAGES[name].type})\n\n${table(['key', 'field', 'form', 'present', 'meaning'], rows)}`;
}

function events(): string {
  const rows = Object.entries(EVENTS).map(([type, { number, pcrs, fields, about }]) => {
    return [number, code(type), pcrs.join(', '), fields === '' ? 'none' : fields, about];
  });
  return table(['number', 'event', 'PCR', 'fields', 'says'], rows);
}

function session(rows: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
  const steps = Object.entries(rows).flatMap(([state, row]) =>
    Object.entries(row).map(([input, next]) => [code(state), code(input), code(next)]),
  );
  return table(['state', 'input', 'next state'], steps);
}

function limits(): string {
  return table(
    ['limit', 'value', 'unit'],
    [
      ['message', MAX_MESSAGE_BYTES, 'bytes'],
      ['log slice in `evidence` or `part`; list slice in `part`', MAX_SLICE_BYTES, 'bytes'],
      ['content of one log record', MAX_CONTENT_BYTES, 'bytes'],
      ['records of the log of one boot', MAX_RECORDS, 'records'],
      ['component list', MAX_LIST_BYTES, 'bytes'],
      ['signed manifest', MAX_MANIFEST_BYTES, 'bytes'],
      ['nesting of arrays and maps', MAX_DEPTH, 'levels'],
      ['highest PCR', MAX_PCR, 'index'],
      ['PCRs of a bank', PCR_COUNT, 'registers'],
      ['value of the SHA-256 bank', PCR_BYTES, 'bytes'],
    ],
  );
}

function reasons(): string {
  const rows = Object.entries(REASONS).map(([name, { kind, meaning, next }]) => [code(name), kind, meaning, next]);
  return table(['code', 'kind', 'meaning', 'what the operator can do'], rows);
}

function numbers(heads: readonly string[], values: Readonly<Record<string, number>>): string {
  return table(
    heads,
    Object.entries(values).map(([name, value]) => [value, code(name)]),
  );
}

/** Every generated part of SPEC.md, by the name in its marker. */
export const TABLES: Readonly<Record<string, () => string>> = {
  messages,
  fields: () => NAMES.map(fieldsOf).join('\n\n'),
  events,
  'terminal session': () => session(TERMINAL_SESSION),
  'verifier session': () => session(VERIFIER_SESSION),
  purposes: () => numbers(['number', 'purpose'], PURPOSES),
  verdicts: () => numbers(['number', 'verdict'], VERDICTS),
  'component phases': () => numbers(['number', 'phase'], COMPONENT_PHASES),
  'binding types': () =>
    table(
      ['type', 'bytes as UTF-8'],
      BINDING_TYPES.map((type) => [code(type), new TextEncoder().encode(type).length]),
    ),
  'terminal classes': () =>
    table(
      ['class', 'proves its endorsement key'],
      TERMINAL_CLASSES.map((name) => [code(name), provesEndorsementKey(name) ? 'yes' : 'no']),
    ),
  hashes: () =>
    table(
      ['hash', 'TPM_ALG_ID', 'bytes'],
      Object.entries(HASHES).map(([name, { algorithm, size }]) => [code(name), hex(algorithm, 4), size]),
    ),
  'tpm constants': () =>
    table(
      ['constant', 'value'],
      [
        ['TPM_GENERATED_VALUE', hex(TPM_GENERATED_VALUE, 8)],
        ['TPM_ST_ATTEST_QUOTE', hex(TPM_ST.ATTEST_QUOTE, 4)],
        ['TPM_ECC_NIST_P256', hex(TPM_ECC_NIST_P256, 4)],
        ['TPM_RH_ENDORSEMENT', hex(TPM_RH.ENDORSEMENT, 8)],
        ['TPMA_OBJECT of an AK', hex(AK_ATTRIBUTES, 8)],
      ],
    ),
  refusals: () =>
    table(
      ['code', 'sender', 'close code', 'meaning'],
      Object.entries(REFUSALS).map(([name, { from, close, meaning }]) => [code(name), from, close, meaning]),
    ),
  'close codes': () =>
    table(
      ['close code', 'when'],
      Object.values(CLOSES).map(({ code: number, when }) => [number, when]),
    ),
  reasons,
  'protocol codes': () =>
    table(
      ['code', 'meaning'],
      Object.entries(PROTOCOL_CODES).map(([name, meaning]) => [code(name), meaning]),
    ),
  limits,
};

const BEGIN = /<!-- generated: ([a-z ]+) -->\n.*?<!-- end of generated -->/gs;

/** The names in the markers of a text, in their order. */
export function markersOf(text: string): readonly string[] {
  return [...text.matchAll(BEGIN)].map(([, name]) => name ?? '');
}

/** The text with every generated part as the source has it now. @throws RangeError for a marker that no table answers to */
export function withTables(text: string): string {
  return text.replace(BEGIN, (_whole, name: string) => {
    const render = TABLES[name];
    if (render === undefined) throw new RangeError(`no table called ${name}`);
    return `<!-- generated: ${name} -->\n${render()}\n<!-- end of generated -->`;
  });
}
