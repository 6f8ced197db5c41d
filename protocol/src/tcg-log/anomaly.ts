/**
 * What is odd about a log that can be read. A log with an anomaly may still explain every PCR; what it means is for appraisal to say.
 * `rejects`: the log cannot be trusted to mean what it says, whatever it replays to.
 */
export const TCG_ANOMALIES = {
  'tcg-event.type': { rejects: false, meaning: 'the type is in no specification that this version knows' },
  'tcg-event.data-digest': { rejects: false, meaning: 'the digest should be that of the data, and is not (F-27)' },
  'tcg-event.form': { rejects: false, meaning: 'the data does not have the form of its type' },
  'tcg-event.no-action-digest': { rejects: false, meaning: 'an EV_NO_ACTION carries a digest that is not zero' },
  'tcg-event.bank-missing': {
    rejects: false,
    meaning: 'the event has no digest for a bank of the header: PCRs of that bank do not follow from the log',
  },
  'tcg-event.separator-error': { rejects: false, meaning: 'the firmware marks an error' },
  'tcg-event.separator-data': { rejects: false, meaning: 'the separator is neither 00000000 nor ffffffff' },
  'tcg-event.separator-duplicate': { rejects: true, meaning: 'a PCR has a second separator (F-27)' },
  'tcg-event.separator-missing': { rejects: false, meaning: 'a PCR of 0 to 7 has no separator' },
  'tcg-event.late': {
    rejects: false,
    meaning: 'the event comes after the separator of its PCR, where nothing is expected',
  },
  'tcg-event.hcrtm': {
    rejects: false,
    meaning: 'an H-CRTM event that is not first in PCR 0, or beside another startup locality',
  },
  'tcg-event.secure-boot-late': {
    rejects: false,
    meaning: 'secure-boot configuration is measured after the separator',
  },
  'tcg-event.secure-boot-repeated': { rejects: false, meaning: 'a variable of secure boot is measured twice' },
  'tcg-event.exit-boot-services': { rejects: false, meaning: 'the log never says that boot services were left' },
} as const;

export type TcgAnomalyCode = keyof typeof TCG_ANOMALIES;

export interface TcgAnomaly {
  readonly code: TcgAnomalyCode;
  /** what exactly, in printable ASCII (F-95) */
  readonly detail: string;
  /** the record to blame: position in its log, and offset in the file in bytes */
  readonly event?: number;
  readonly offset?: number;
}
