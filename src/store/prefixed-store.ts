import type { ListedObject, ObjectStore } from "./object-store.ts";

/**
 * The part of `store` below `folder`, as its own store. Keys are relative to that folder, so its contents
 * stay valid when the folder is copied elsewhere. Closing it closes nothing, because it owns nothing.
 */
export function prefixedStore(store: ObjectStore, folder: string): ObjectStore {
  const prefix = `${folder}/`;
  const { inspection } = store;
  const strip = <T extends ListedObject>(object: T): T => ({
    ...object,
    key: object.key.slice(prefix.length),
  });
  return {
    location: `${store.location.replace(/\/$/, "")}/${folder}`,
    conditions: store.conditions,
    service: store.service?.bind(store),
    inspection: inspection && {
      rights: inspection.rights,
      survey: (options) => inspection.survey(options),
      mayDelete: (key, options) => inspection.mayDelete(prefix + key, options),
    },
    async get(key, options) {
      const object = await store.get(prefix + key, options);
      return object === null ? null : strip(object);
    },
    async head(key, options) {
      const object = await store.head(prefix + key, options);
      return object === null ? null : strip(object);
    },
    put: (key, bytes, options) => store.put(prefix + key, bytes, options),
    async *list(listPrefix, options) {
      const startAfter = options?.startAfter;
      const objects = store.list(prefix + listPrefix, {
        ...options,
        ...(startAfter === undefined ? {} : { startAfter: prefix + startAfter }),
      });
      for await (const object of objects) yield strip(object);
    },
    listFolders: (listPrefix, options) => store.listFolders(prefix + listPrefix, options),
    delete: (key, options) => store.delete(prefix + key, options),
    close: () => Promise.resolve(),
  };
}
