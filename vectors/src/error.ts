/** What can be wrong with a vector file or with a module that should be held against one. A code is never renamed. */
export const VECTORS_CODES = {
  'file.unreadable': 'the file cannot be read',
  'file.json': 'the file is no JSON document',
  'file.schema': 'the file does not have the form of its schema',
  'file.lint': 'the file breaks a rule of vector files',
  'implementation.unloadable': 'the module cannot be loaded',
  'implementation.missing': 'the module exports no `implementation` with a name',
} as const;

export type VectorsCode = keyof typeof VECTORS_CODES;

export class VectorsError extends Error {
  override readonly name = 'VectorsError';
  readonly code: VectorsCode;
  /** the file, and where in it */
  readonly detail: string;

  constructor(code: VectorsCode, detail: string, options?: ErrorOptions) {
    super(`${code}: ${VECTORS_CODES[code]} (${detail})`, options);
    this.code = code;
    this.detail = detail;
  }
}
