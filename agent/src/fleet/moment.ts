/** Something that happens once, or never if the simulation ends first. */
export class Moment {
  readonly reached: Promise<void>;
  readonly now: () => void;

  constructor(stopping: AbortSignal) {
    let resolved: () => void = () => undefined;
    this.reached = new Promise((resolve, reject) => {
      resolved = resolve;
      if (stopping.aborted) reject(reasonOf(stopping));
      stopping.addEventListener('abort', () => reject(reasonOf(stopping)), { once: true });
    });
    this.reached.catch(() => undefined);
    this.now = resolved;
  }
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new RangeError('stopped without a reason');
}
