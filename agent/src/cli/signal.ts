/** Resolves at SIGTERM or SIGINT with the exit code that says so. */
export function firstSignal(): Promise<130 | 143> {
  return new Promise((resolve) => {
    process.on('SIGTERM', () => {
      resolve(143);
    });
    process.on('SIGINT', () => {
      resolve(130);
    });
  });
}
