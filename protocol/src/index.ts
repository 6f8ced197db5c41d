export { Cursor } from './bytes/cursor.ts';
export { equalBytes } from './bytes/equal.ts';
export { decodeUtf8, fromHex, isId, toHex, utf8 } from './bytes/text.ts';
export { Writer } from './bytes/writer.ts';
export { PROTOCOL_CODES, type ProtocolCode, ProtocolError } from './error.ts';
export type { HashFunction } from './crypto/hash.ts';
export {
  type AnyMessage,
  encodeMessage,
  type LogCursor,
  MAX_MESSAGE_BYTES,
  MAX_SLICE_BYTES,
  type Message,
  type MessageName,
  MESSAGES,
  parseMessage,
  SUBPROTOCOL,
  type TerminalMessage,
  type VerifierMessage,
} from './message/catalogue.ts';
export { type Claims, encodeClaims, parseClaims } from './message/claims.ts';
export {
  encodeEnrolmentToken,
  type EnrolmentToken,
  parseEnrolmentToken,
  TERMINAL_CLASSES,
  type TerminalClass,
} from './message/enrolment-token.ts';
export { type HelloContext, helloDigest, helloMessage } from './message/hello.ts';
export {
  type BootIdentity,
  type ClockBreak,
  clockBreak,
  type ClockReading,
  compareBootIdentity,
} from './quote/boot-identity.ts';
export {
  BINDING_TYPES,
  type BindingType,
  type ChannelBinding,
  MRTM_COMPARTMENT,
  type Purpose,
  PURPOSES,
  qualifyingData,
  type QuoteContext,
} from './quote/context.ts';
export {
  type ComponentPhase,
  encodeManifest,
  encodeSignedManifest,
  type Manifest,
  type ManifestAlgorithm,
  manifestMessage,
  type ManifestSignature,
  MAX_MANIFEST_BYTES,
  parseManifest,
  parseSignedManifest,
  type ReferenceComponent,
  type Release,
  type SignedManifest,
} from './reference/manifest.ts';
export { type AppraisedVerdict, type Verdict, VERDICTS } from './result/verdict.ts';
export {
  stepTerminal,
  TERMINAL_INPUTS,
  TERMINAL_SESSION,
  TERMINAL_STATES,
  type TerminalInput,
  type TerminalState,
} from './session/terminal.ts';
export {
  stepVerifier,
  VERIFIER_INPUTS,
  VERIFIER_SESSION,
  VERIFIER_STATES,
  type VerifierInput,
  type VerifierState,
} from './session/verifier.ts';
