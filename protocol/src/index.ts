export { compareBytes } from './bytes/compare.ts';
export { Cursor } from './bytes/cursor.ts';
export { equalBytes } from './bytes/equal.ts';
export { decodeUtf8, fromHex, isId, toHex, utf8 } from './bytes/text.ts';
export { Writer } from './bytes/writer.ts';
export { type CelProof, celProof } from './cel/content-proof.ts';
export { celOfIma } from './cel/ima-record.ts';
export { encodeCelJson } from './cel/json-export.ts';
export { readCelJson } from './cel/json-import.ts';
export { type CelNumbering, CelNumbers } from './cel/numbering.ts';
export {
  CEL_CONTENT_TYPES,
  CEL_EVENT_TYPES,
  CEL_TRANSITIONS,
  type CelContent,
  type CelContentType,
  type CelDigest,
  type CelEvent,
  type CelIndex,
  type CelRecord,
  type CelTransition,
  type CelVisitor,
  celContentType,
  celNvIndex,
  celPcr,
  checkDigests,
  MAX_CEL_RECORDS,
} from './cel/record.ts';
export { CelReplay, type ReplayedCelLog } from './cel/replayed-log.ts';
export { celOfTcg } from './cel/tcg-record.ts';
export { encodeCelTlv } from './cel/tlv-export.ts';
export { type CelRead, checkImaTlv, checkTemplateName, readCelTlv } from './cel/tlv-import.ts';
export { scalarsOfDer } from './crypto/ecdsa-der.ts';
export type { HashFunction } from './crypto/hash.ts';
export { isLowS, withLowS } from './crypto/low-s.ts';
export { nobleCrypto } from './crypto/noble.ts';
export type { CryptoSuite, KeyMaterial, VerificationKey } from './crypto/signature-verifier.ts';
export { keyOfSpki, P256_SPKI_BYTES, p256Spki } from './crypto/spki.ts';
export { PROTOCOL_CODES, type ProtocolCode, ProtocolError } from './error.ts';
export {
  type ComponentList,
  encodeComponentList,
  isComponentName,
  type ListedComponent,
  MAX_LIST_BYTES,
  parseComponentList,
} from './event-log/component-list.ts';
export { decodeEvent, EVENT_PCRS, EVENTS, type EventType, encodeEvent, type LogEvent } from './event-log/event.ts';
export {
  encodeRecord,
  MAX_CONTENT_BYTES,
  MAX_RECORDS,
  type RecordsRead,
  type RecordVisitor,
  readRecords,
  readWholeRecords,
} from './event-log/record.ts';
export {
  LogReplay,
  PCR_BYTES,
  PCR_COUNT,
  prefixDigest,
  type ReplayState,
  resetPcrs,
} from './event-log/replay.ts';
export { IMA_ANOMALIES, type ImaAnomaly, type ImaAnomalyCode } from './ima/anomaly.ts';
export { readImaAscii } from './ima/ascii-list.ts';
export { readImaBinary } from './ima/binary-list.ts';
export { aggregatedPcrs, BOOT_AGGREGATE, bootAggregate } from './ima/boot-aggregate.ts';
export { detectImaForm } from './ima/detect.ts';
export type { ImaEntry, ImaForm, ImaPosition, ImaRead, ImaVisitor } from './ima/entry.ts';
export {
  type BootAggregateState,
  type ExaminedEntry,
  ImaExamination,
  type ImaExpectations,
  shownPath,
} from './ima/examination.ts';
export {
  type FileDigest,
  type FileMeasurement,
  fileMeasurement,
  type ImaField,
  imaFields,
} from './ima/file-measurement.ts';
export {
  type ImaFinding,
  ImaReplay,
  type ImaReplayQuestion,
  type ImaRule,
  type ImaState,
  resetValue,
} from './ima/replay.ts';
export {
  ImaListFold,
  type ImaListQuestion,
  type ImaListVisitor,
  type ReplayedImaList,
  replayImaList,
} from './ima/replayed-list.ts';
export { type ImaKey, type ImaSignature, type ImaSigner, imaSigner, parseImaSignature } from './ima/signature.ts';
export { templateDigest } from './ima/template-digest.ts';
export { activationProof } from './message/activation.ts';
export {
  type AnyMessage,
  encodeMessage,
  type LogCursor,
  MAX_MESSAGE_BYTES,
  MAX_SLICE_BYTES,
  MESSAGES,
  type Message,
  type MessageName,
  parseMessage,
  SUBPROTOCOL,
  type TerminalMessage,
  type VerifierMessage,
} from './message/catalogue.ts';
export { CHALLENGE_ID_BYTES, challengeId } from './message/challenge-id.ts';
export { type Claims, encodeClaims, parseClaims } from './message/claims.ts';
export {
  type EnrolmentToken,
  encodeEnrolmentToken,
  parseEnrolmentToken,
  provesEndorsementKey,
  TERMINAL_CLASSES,
  type TerminalClass,
} from './message/enrolment-token.ts';
export { type HelloContext, helloDigest, helloMessage } from './message/hello.ts';
export { CLOSES, closeCodeOf, REFUSALS, type RefusalCode } from './message/refusal.ts';
export {
  decodeStrict,
  encodeCanonical,
  isMsgpackArray,
  isMsgpackMap,
  type MsgpackMap,
  type MsgpackValue,
} from './msgpack/codec.ts';
export { type AkRules, attestationKey, p256AkArea } from './quote/attestation-key.ts';
export {
  type BootIdentity,
  type ClockBreak,
  type ClockReading,
  clockBreak,
  compareBootIdentity,
} from './quote/boot-identity.ts';
export {
  BINDING_TYPES,
  type BindingType,
  type ChannelBinding,
  MRTM_COMPARTMENT,
  PURPOSES,
  type Purpose,
  type QuoteContext,
  qualifyingData,
} from './quote/context.ts';
export { type QuoteQuestion, type VerifiedQuote, verifyQuote } from './quote/verify.ts';
export {
  type ComponentPhase,
  encodeManifest,
  encodeSignedManifest,
  IMA_PCR,
  MAX_MANIFEST_BYTES,
  type Manifest,
  type ManifestAlgorithm,
  type ManifestSignature,
  manifestMessage,
  parseManifest,
  parseSignedManifest,
  type ReferenceComponent,
  type Release,
  type SignedManifest,
} from './reference/manifest.ts';
export {
  type FirmwareReference,
  type ImaFile,
  type ImaReference,
  type PlatformReference,
  writePlatform,
} from './reference/platform-reference.ts';
export { isReasonCode, REASONS, type Reason, type ReasonCode, type ReasonKind } from './result/reason.ts';
export { type AppraisedVerdict, VERDICTS, type Verdict } from './result/verdict.ts';
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
export { TCG_ANOMALIES, type TcgAnomaly, type TcgAnomalyCode } from './tcg-log/anomaly.ts';
export type { TcgProof } from './tcg-log/coverage.ts';
export { type TcgEventText, tcgEventText } from './tcg-log/event-text.ts';
export { TCG_EVENT_TYPES, type TcgEventName, type TcgEventType, tcgEventName } from './tcg-log/event-type.ts';
export type { ExaminedRecord } from './tcg-log/examination.ts';
export type { TcgDigest, TcgRecord } from './tcg-log/record.ts';
export type { ReplayedPcr } from './tcg-log/replay.ts';
export { type ReplayedTcgLog, replayTcgLog, TcgLogFold, type TcgVisitor } from './tcg-log/replayed-log.ts';
export type { SecureBootState, SecureBootVariable } from './tcg-log/secure-boot.ts';
export { shownText } from './tcg-log/shown-text.ts';
export type { TcgSpecId } from './tcg-log/spec-id.ts';
export { parseUefiVariable, type UefiVariable } from './tcg-log/uefi-variable.ts';
export { type Attest, type Attested, type AttestType, parseAttest, writeAttest } from './tpm/attest.ts';
export {
  AK_ATTRIBUTES,
  EK_ATTRIBUTES,
  HASHES,
  type HashName,
  hashName,
  NO_DA,
  TPM_ALG,
  TPM_ECC_NIST_P256,
  TPM_GENERATED_VALUE,
  TPM_RH,
  TPM_ST,
} from './tpm/constants.ts';
export {
  type Agreement,
  type EncryptedSecret,
  encryptSecret,
  type SecretCrypto,
} from './tpm/encrypted-secret.ts';
export { type KdfLabel, kdfA, kdfE, type MacFunction } from './tpm/key-derivation.ts';
export { type Hashes, nameOf, primaryQualifiedName } from './tpm/name.ts';
export { type NvPublic, nvName, parseNvPublic, writeNvPublic } from './tpm/nv-public.ts';
export {
  type BankSelection,
  type PcrSelection,
  type PcrValues,
  parsePcrSelection,
  parseSelectionText,
  pcrDigest,
  readPcrSelection,
  selectionText,
  writePcrSelection,
} from './tpm/pcr.ts';
export { type PolicyAssertion, policyDigest } from './tpm/policy-digest.ts';
export { type EccParameters, type Public, parsePublic, publicArea, writePublic } from './tpm/public.ts';
export { parseSignature, type SignatureScheme, type TpmSignature, writeSignature } from './tpm/signature.ts';
export { type PcrFile, parsePcrFile } from './tpm2-tools/pcr-file.ts';
export { decodePublicPem, encodePublicPem } from './tpm2-tools/public-pem.ts';
export { writePcrFile } from './tpm2-tools/serialized-pcrs.ts';
