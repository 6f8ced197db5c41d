import { type BootIdentity, isReasonCode, type ReasonCode } from '@mtm-attest/protocol';
import * as v from 'valibot';
import type { Condemnation } from '../appraisal/condemnation.ts';
import type { Explained } from '../appraisal/explain.ts';
import { VerifierError } from '../error.ts';
import type { Outage } from '../liveness/verdict.ts';

/** A column that holds JSON, written and read by us alone. */
export interface JsonColumn<T> {
  write(value: T): string;
  /** @throws VerifierError `store.value` */
  read(text: string): T;
}

function jsonColumn<T>(schema: v.GenericSchema<unknown, T>): JsonColumn<T> {
  return {
    write: (value) => JSON.stringify(value),
    read(text) {
      try {
        return v.parse(schema, JSON.parse(text));
      } catch (cause) {
        throw new VerifierError('store.value', 'JSON', { cause });
      }
    },
  };
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const reasonCode = v.custom<ReasonCode>((value) => typeof value === 'string' && isReasonCode(value));

const boot = v.strictObject({ resetCount: count, restartCount: count });

export const bootColumn: JsonColumn<BootIdentity> = jsonColumn(boot);

export const reasonCodesColumn: JsonColumn<readonly ReasonCode[]> = jsonColumn(v.array(reasonCode));

export const condemnationColumn: JsonColumn<Condemnation> = jsonColumn(
  v.strictObject({
    codes: v.array(reasonCode),
    at: count,
    endsBy: v.picklist(['boot', 'reference', 'enrolment']),
    boot,
    announced: v.exactOptional(v.literal(true)),
    referenceRevision: count,
  }),
);

export const outageColumn: JsonColumn<Outage> = jsonColumn(v.strictObject({ from: count, until: count }));

export const explanationColumn: JsonColumn<readonly Explained[]> = jsonColumn(
  v.array(
    v.strictObject({
      code: reasonCode,
      detail: v.string(),
      event: v.exactOptional(count),
      component: v.exactOptional(v.string()),
      expected: v.exactOptional(v.string()),
      found: v.exactOptional(v.string()),
      allowedBy: v.exactOptional(v.string()),
      toSign: v.exactOptional(v.string()),
      meaning: v.string(),
      next: v.string(),
    }),
  ),
);
