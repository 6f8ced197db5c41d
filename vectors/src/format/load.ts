import { readFileSync } from 'node:fs';
import { VectorsError } from '../error.ts';
import { VECTOR_FILE_NAMES } from '../test-type/table.ts';
import { lintFaults } from './lint.ts';
import type { Plain } from './plain.ts';
import { isMap } from './plain.ts';
import { schemaFault } from './schema.ts';
import { fileSchema, schemaName, type VectorFile } from './vector-file.ts';

/** A vector file that holds: its form is that of its schema, and it breaks no rule. */
export interface LoadedFile {
  readonly path: string;
  readonly file: VectorFile;
}

/** @throws VectorsError `file.unreadable`, `file.json`, `file.schema`, `file.lint` */
export function loadVectorFile(path: string): LoadedFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new VectorsError('file.unreadable', path, { cause });
  }
  return { path, file: parseVectorFile(text, path) };
}

/**
 * @param name for what is said of a fault
 * @throws VectorsError `file.json`, `file.schema`, `file.lint`
 */
export function parseVectorFile(text: string, name: string): VectorFile {
  let value: Plain;
  try {
    value = JSON.parse(text) as Plain;
  } catch (cause) {
    throw new VectorsError('file.json', name, { cause });
  }
  const file = heldAgainstSchema(value, name);
  const [fault] = lintFaults(file);
  if (fault !== undefined) throw new VectorsError('file.lint', `${name}: ${fault}`);
  return file;
}

function heldAgainstSchema(value: Plain, name: string): VectorFile {
  const named = isMap(value) ? value['schema'] : undefined;
  const kind = VECTOR_FILE_NAMES.find((one) => schemaName(one) === named);
  if (kind === undefined) throw new VectorsError('file.schema', `${name}: no known schema is named`);
  const fault = schemaFault(fileSchema(kind), value);
  if (fault !== undefined) throw new VectorsError('file.schema', `${name}: ${fault}`);
  return value as VectorFile;
}
