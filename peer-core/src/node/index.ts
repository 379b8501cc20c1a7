export { createFileStore, type FileStore, type FileStoreOptions } from './file-store.ts'
export { createWeriftWrtc, type WeriftOptions } from './werift-wrtc.ts'
