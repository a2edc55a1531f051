import type { ObjectInfo, ObjectStore, RequestOptions } from "./object-store.ts";

/** `head` of a store that learns of an object only with its bytes. */
export async function headByGet(
  store: Pick<ObjectStore, "get">,
  key: string,
  options: RequestOptions,
): Promise<ObjectInfo | null> {
  const object = await store.get(key, options);
  if (object === null) return null;
  const { bytes: _, ...info } = object;
  return info;
}
