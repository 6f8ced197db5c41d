import type { ComponentList } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { ComponentLists } from '../../src/endpoint/component-lists.ts';

const listOf = (length: number): ComponentList =>
  Array.from({ length }, (_, i) => ({ name: `x${i}`, digest: new Uint8Array(32) }));

describe('ComponentLists', () => {
  it('holds so many components, however many lists they are in, and lets go of the list used longest ago', () => {
    const lists = new ComponentLists(10);
    lists.set('a', listOf(4));
    lists.set('b', listOf(4));
    lists.get('a');
    lists.set('c', listOf(4));
    expect(['a', 'b', 'c'].map((name) => lists.get(name) !== undefined)).to.deep.equal([true, false, true]);
    lists.set('a', listOf(2));
    lists.set('d', listOf(4));
    expect(['a', 'c', 'd'].map((name) => lists.get(name) !== undefined)).to.deep.equal([true, true, true]);
  });

  it('holds a list larger than that alone', () => {
    const lists = new ComponentLists(10);
    lists.set('a', listOf(4));
    lists.set('b', listOf(40));
    expect(lists.get('a')).to.equal(undefined);
    expect(lists.get('b')).to.have.length(40);
  });
});
