/**
 * Logs that others keep on this machine and that its PCRs follow from too: the firmware's (TCG PC Client Platform Firmware Profile) and the
 * kernel's (IMA). Each call reads anew.
 */
export interface PlatformLogs {
  /** the firmware log, whole, in pieces of any length; absent where the machine has none */
  readonly firmware?: () => AsyncIterable<Uint8Array>;
  /** the IMA list from an entry on, whole entries, in pieces of any length; absent where the machine has none */
  readonly ima?: (from: number) => AsyncIterable<Uint8Array>;
}

export const NO_PLATFORM_LOGS: PlatformLogs = {};
