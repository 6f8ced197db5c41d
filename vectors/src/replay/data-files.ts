import { fileURLToPath } from 'node:url';
import { VECTOR_FILE_NAMES } from '../test-type/table.ts';

/** The vector files of this package, beside `src` as beside `dist`. */
export const DATA_FILES: readonly string[] = VECTOR_FILE_NAMES.map((name) =>
  fileURLToPath(new URL(`../../data/${name}.json`, import.meta.url)),
);
