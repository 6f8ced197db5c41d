import type { ImaKey, ImaRule } from '@mtm-attest/protocol';

/** What is said of an IMA list beside its PCRs. */
export interface ImaOptions {
  /** rule by which banks other than SHA-1 were extended */
  readonly templateHash: ImaRule | undefined;
  /** whether a second boot aggregate is expected */
  readonly kexec: boolean;
  /** keys that may sign files; undefined: signatures are not looked at */
  readonly keys: readonly ImaKey[] | undefined;
}
