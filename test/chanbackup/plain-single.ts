import type { Single } from "../../src/chanbackup/single.ts";
import { deserializeSingle, serializeSingle } from "../../src/chanbackup/single-codec.ts";

/** As plain data, to be compared as a whole: a Single of a Multi is a view, read field by field. */
export function plainSingle(single: Single): Single {
  return deserializeSingle(serializeSingle(single));
}
