import { CONFIG_KEYS, type ConfigKey } from './schema.ts';

/** The table of all keys, as README.md carries it. */
export function configTable(): string {
  const rows = CONFIG_KEYS.map((key) => `| \`${key.name}\` | ${shownDefault(key)} | ${key.unit} | ${key.about} |`);
  return ['| key | default | unit | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function shownDefault({ byDefault }: ConfigKey): string {
  if (typeof byDefault === 'number') return String(byDefault);
  const text = typeof byDefault === 'string' ? byDefault : byDefault.join(',');
  return text === '' ? '(empty)' : `\`${text}\``;
}
