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
export { isReasonCode, type Reason, type ReasonCode, type ReasonKind, REASONS } from './result/reason.ts';
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
export {
  type ComponentList,
  encodeComponentList,
  isComponentName,
  type ListedComponent,
  MAX_LIST_BYTES,
  parseComponentList,
} from './event-log/component-list.ts';
export { decodeEvent, encodeEvent, EVENTS, type EventType, type LogEvent } from './event-log/event.ts';
export {
  encodeRecord,
  MAX_CONTENT_BYTES,
  MAX_RECORDS,
  readRecords,
  readWholeRecords,
  type RecordsRead,
  type RecordVisitor,
} from './event-log/record.ts';
export {
  LogReplay,
  PCR_BYTES,
  PCR_COUNT,
  prefixDigest,
  type ReplayState,
  type ReplayVisitor,
  resetPcrs,
} from './event-log/replay.ts';
export { decodeStrict, encodeCanonical, type MsgpackValue } from './msgpack/codec.ts';
export { nobleCrypto } from './crypto/noble.ts';
export type { CryptoSuite, KeyMaterial, VerificationKey } from './crypto/signature-verifier.ts';
export { keyOfSpki, P256_SPKI_BYTES, p256Spki } from './crypto/spki.ts';
export { type AkRules, attestationKey } from './quote/attestation-key.ts';
export { type QuoteQuestion, type VerifiedQuote, verifyQuote } from './quote/verify.ts';
export { type Attest, type Attested, type AttestType, parseAttest, writeAttest } from './tpm/attest.ts';
export {
  AK_ATTRIBUTES,
  type HashName,
  HASHES,
  hashName,
  NO_DA,
  TPM_ALG,
  TPM_ECC_NIST_P256,
  TPM_GENERATED_VALUE,
  TPM_RH,
  TPM_ST,
} from './tpm/constants.ts';
export { type Hashes, nameOf, primaryQualifiedName } from './tpm/name.ts';
export {
  type BankSelection,
  parsePcrSelection,
  parseSelectionText,
  pcrDigest,
  type PcrSelection,
  type PcrValues,
  selectionText,
  writePcrSelection,
} from './tpm/pcr.ts';
export { parsePublic, type Public, publicArea, writePublic } from './tpm/public.ts';
export { parseSignature, type SignatureScheme, type TpmSignature, writeSignature } from './tpm/signature.ts';
