/** What a signer would have to add to a manifest's document, in JSON and printable ASCII (F-95). */
export function toSign(value: object): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
