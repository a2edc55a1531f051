/**
 * `scb-mirror/store`: where to keep backups. `ObjectStore` is all that scb-mirror needs from storage;
 * `scb-mirror/testing` has the suite that an implementation must pass.
 * @module
 */
export type { AzureLocation } from "./store/azure-location.ts";
export type { FileLocation } from "./store/file-kind.ts";
export { FileStore, type FileStoreOptions } from "./store/file-store.ts";
export type { GcsLocation } from "./store/gcs-location.ts";
export {
  type S3ClientLike,
  type S3StoreFromClientOptions,
  s3Store,
} from "./store/injected-s3-store.ts";
export { type MemoryState, MemoryStore } from "./store/memory-store.ts";
export { checkFolderPrefix, checkKey, checkMetadata, checkPrefix } from "./store/object-key.ts";
export {
  type Conditions,
  defaultMaxBytes,
  type GetOptions,
  type ListedObject,
  type ListOptions,
  type ObjectInfo,
  type ObjectStore,
  type PutCondition,
  type PutOptions,
  type RequestOptions,
  type StoredObject,
} from "./store/object-store.ts";
export { openStore } from "./store/open-store.ts";
export { formatLocation, parseLocation } from "./store/parse-location.ts";
export type { RcloneLocation } from "./store/rclone-kind.ts";
export type { S3Location, S3Style } from "./store/s3-location.ts";
export type {
  DeleteRights,
  InspectionRights,
  ObjectLock,
  StoreInspection,
  StoreSurvey,
} from "./store/store-inspection.ts";
export type { OpenStoreOptions } from "./store/store-kind.ts";
export type { StoreLocation } from "./store/store-kinds.ts";
