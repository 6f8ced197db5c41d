export { VECTORS_CODES, type VectorsCode, VectorsError } from './error.ts';
export { type LoadedFile, loadVectorFile, parseVectorFile } from './format/load.ts';
export { type Plain, type PlainMap, toPlain } from './format/plain.ts';
export type { Note, VectorFile, VectorGroup, VectorTest } from './format/vector-file.ts';
export type {
  AcceptedBefore,
  Answer,
  AppraisalQuestion,
  Appraised,
  Binding,
  ContextQuestion,
  HelloQuestion,
  Implementation,
  LogPoint,
  ManifestSignatureQuestion,
  Parsed,
  PcrDigestQuestion,
  QuoteQuestion,
  ReplayQuestion,
  Side,
  SignatureQuestion,
  TpmStructure,
} from './implementation/implementation.ts';
export { protocolImplementation } from './implementation/protocol.ts';
export { BUILT_IN } from './replay/built-in.ts';
export { DATA_FILES } from './replay/data-files.ts';
export { type Disagreement, type FileReport, type ReplayReport, replay, type Tally } from './replay/replay.ts';
