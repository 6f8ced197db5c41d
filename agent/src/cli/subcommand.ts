/** What an option is given: a text, or nothing at all. */
export interface OptionForm {
  readonly type: 'string' | 'boolean';
  /** true where it may be repeated */
  readonly multiple?: boolean;
  readonly required?: boolean;
  /** what stands for its value in the help */
  readonly value?: string;
  readonly about: string;
}

/** Values of options as they were given. */
export interface OptionValues {
  /** @throws RangeError for an option that is not required: a defect of the subcommand */
  text(name: string): string;
  optional(name: string): string | undefined;
  list(name: string): readonly string[];
  flag(name: string): boolean;
}

/** Holds; checked and rejected; bad options, a file that cannot be opened, an error of our own; after a signal. */
export type ExitCode = 0 | 1 | 2 | 130 | 143;

/** One command of `mtm-agent`. */
export interface Subcommand {
  readonly name: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, OptionForm>>;
  run(values: OptionValues): Promise<ExitCode>;
}
