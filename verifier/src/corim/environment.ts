import { taggedIdentifier } from './identifier.ts';
import type { Item } from './item.ts';

/** What a claim is about: a class of devices, one of them, or a group (draft-ietf-rats-corim, Environments). */
export interface Environment {
  readonly classId: string | undefined;
  readonly vendor: string | undefined;
  readonly model: string | undefined;
  readonly layer: number | undefined;
  readonly index: number | undefined;
  readonly instance: string | undefined;
  readonly group: string | undefined;
}

const ENVIRONMENT = { class: 0, instance: 1, group: 2 } as const;
const CLASS = { 'class-id': 0, vendor: 1, model: 2, layer: 3, index: 4 } as const;

/** Keys and certificates may name an instance too. */
const KEY_TAGS: readonly (number | undefined)[] = [554, 555, 557, 558, 559, 562];

export function readEnvironment(item: Item): Environment {
  const fields = item.map(ENVIRONMENT);
  const classFields = fields.get('class')?.map(CLASS);
  const classId = classFields?.get('class-id');
  const group = fields.get('group');
  const instance = fields.get('instance');
  return {
    classId: classId === undefined ? undefined : taggedIdentifier(classId),
    vendor: classFields?.get('vendor')?.text(),
    model: classFields?.get('model')?.text(),
    layer: classFields?.get('layer')?.uint(),
    index: classFields?.get('index')?.uint(),
    instance: instance === undefined ? undefined : instanceText(instance),
    group: group === undefined ? undefined : taggedIdentifier(group),
  };
}

function instanceText(item: Item): string {
  if (KEY_TAGS.includes(item.tag)) throw item.refusal('a key as the name of an instance is not read here');
  return taggedIdentifier(item);
}

/** One line that differs for different environments. */
export function environmentText(environment: Environment): string {
  return Object.entries(environment)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => (name === 'classId' ? String(value) : `${name}=${JSON.stringify(value)}`))
    .join(' ');
}
