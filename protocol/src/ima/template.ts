/** How a field is written in the ASCII form, and what its bytes are in the template data. */
export type ImaFieldForm =
  /** hexadecimal; the digest alone */
  | 'digest'
  /** `algorithm:hex`; the text up to the colon, a NUL, the digest */
  | 'named-digest'
  /** `type:algorithm:hex`; the same up to the second colon */
  | 'typed-digest'
  /** the text; the text and a NUL */
  | 'name'
  /** the text; the text and a NUL, nothing where it is empty */
  | 'names'
  /** hexadecimal; the bytes */
  | 'hex'
  /** decimal; little-endian */
  | 'u16'
  | 'u32';

const FIELDS = {
  d: 'digest',
  n: 'name',
  'd-ng': 'named-digest',
  'd-ngv2': 'typed-digest',
  'n-ng': 'name',
  sig: 'hex',
  buf: 'hex',
  'd-modsig': 'named-digest',
  modsig: 'hex',
  evmsig: 'hex',
  xattrnames: 'names',
  xattrlengths: 'hex',
  xattrvalues: 'hex',
  iuid: 'u32',
  igid: 'u32',
  imode: 'u16',
} as const satisfies Readonly<Record<string, ImaFieldForm>>;

export type ImaFieldId = keyof typeof FIELDS;

const FORMS: ReadonlyMap<string, ImaFieldForm> = new Map(Object.entries(FIELDS));

/** The one template without lengths: a digest of 20 bytes and a name of at most 255. */
export const IMA_TEMPLATE = 'ima';

/** Templates by name (Linux, Documentation/security/IMA-templates.rst). */
const TEMPLATES: ReadonlyMap<string, string> = new Map([
  [IMA_TEMPLATE, 'd|n'],
  ['ima-ng', 'd-ng|n-ng'],
  ['ima-sig', 'd-ng|n-ng|sig'],
  ['ima-ngv2', 'd-ngv2|n-ng'],
  ['ima-sigv2', 'd-ngv2|n-ng|sig'],
  ['ima-buf', 'd-ng|n-ng|buf'],
  ['ima-modsig', 'd-ng|n-ng|sig|d-modsig|modsig'],
  ['evm-sig', 'd-ng|n-ng|evmsig|xattrnames|xattrlengths|xattrvalues|iuid|igid|imode'],
]);

/** Longest template name or format, in bytes. */
export const MAX_TEMPLATE_NAME_BYTES = 128;
const MAX_FIELDS = 15;

/**
 * The fields of a template. A kernel started with a format of its own writes the format in the place of the name: fields with `|` between.
 * @returns undefined for a template whose fields nobody can know
 */
export function templateFields(name: string): readonly ImaFieldId[] | undefined {
  const ids = (TEMPLATES.get(name) ?? name).split('|', MAX_FIELDS + 1);
  return ids.length <= MAX_FIELDS && ids.every((id) => FORMS.has(id)) ? (ids as ImaFieldId[]) : undefined;
}

export function fieldForm(id: ImaFieldId): ImaFieldForm {
  return FIELDS[id];
}
