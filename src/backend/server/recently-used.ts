// Maps with a bound that most installations never come near.
import { LRUCache } from 'lru-cache'

/**
 * A map of at most so many entries, of which the least recently used leave first.
 * It grows with what is in it. Told how many entries there may be, the library makes room for all of them when a process starts, which of a
 * hundred thousand takes 20 ms and 5 MiB; told how large all of them may be together, when each counts as one, it does not.
 * @param options others of the library
 */
export function recentlyUsed<Key extends string, Value extends object | number>(
  entriesMax: number,
  options: Omit<LRUCache.Options<Key, Value, unknown>, 'max' | 'maxSize' | 'sizeCalculation'> = {},
): LRUCache<Key, Value> {
  return new LRUCache<Key, Value>({ ...options, maxSize: entriesMax, sizeCalculation: () => 1 })
}
