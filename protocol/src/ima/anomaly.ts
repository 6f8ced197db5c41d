/**
 * What is odd about a list that can be read. `rejects`: the list says of itself what is not so, whatever it replays to. A violation is none of
 * these: ordinary machines have them, and what one means is for appraisal to say.
 */
export const IMA_ANOMALIES = {
  'ima-entry.digest': { rejects: true, meaning: 'the template digest shown is not that of the data' },
  'ima-entry.form': { rejects: true, meaning: 'a field does not have the form of its kind' },
  'ima-entry.template': { rejects: false, meaning: 'the template is unknown: what the entry says cannot be read' },
  'ima-entry.signature': { rejects: true, meaning: 'the signature of the file does not hold' },
  'ima-entry.boot-aggregate': {
    rejects: true,
    meaning: 'the boot aggregate is not that of the PCR values: the list is of another boot',
  },
  'ima-entry.boot-aggregate-missing': { rejects: false, meaning: 'the list does not begin with a boot aggregate' },
  'ima-entry.boot-aggregate-repeated': {
    rejects: true,
    meaning: 'a second boot aggregate: another kernel took over by kexec, which nothing allows here',
  },
} as const;

export type ImaAnomalyCode = keyof typeof IMA_ANOMALIES;

export interface ImaAnomaly {
  readonly code: ImaAnomalyCode;
  /** what exactly, in printable ASCII (F-95) */
  readonly detail: string;
  /** the entry to blame: position in the list, and offset in bytes */
  readonly event: number;
  readonly offset: number;
}
