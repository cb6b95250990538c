// Which driver an address of locked storage means.
import type { StorageAddress } from '../server/storage-url.ts'
import { folderStorage } from './folder-storage.ts'
import type { LockedStorage } from './locked-storage.ts'
import { s3Storage } from './s3-storage.ts'

/** Nothing is opened before the first put, get or list. */
export function storageAt(address: StorageAddress): LockedStorage {
  return address.kind === 'folder' ? folderStorage(address.folder) : s3Storage(address)
}
