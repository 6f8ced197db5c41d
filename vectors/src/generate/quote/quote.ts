import type { Draft } from '../draft.ts';
import { emulatorGroups } from './emulator.ts';
import { NOTES } from './question.ts';
import { softGroup } from './soft.ts';

/** Quotes: of a soft TrE, and of a TPM emulator with keys of every kind. */
export function quoteDraft(): Draft {
  return { file: 'quote', notes: NOTES, groups: [softGroup(), ...emulatorGroups()] };
}
