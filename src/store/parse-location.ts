import { usage } from "./location-text.ts";
import { fullStoreForms, kindOf, type StoreLocation, storeKinds } from "./store-kinds.ts";

/**
 * Parses the value of `--to`, in the form of one of the store kinds. Throws "usage". Never repeats the
 * value, because it may hold a misplaced credential.
 */
export function parseLocation(text: string): StoreLocation {
  const row = storeKinds.find(({ scheme }) => text.startsWith(scheme));
  if (row !== undefined) return row.parse(text);
  const hint = text.startsWith("/") ? "; a path needs file:// before it" : "";
  throw usage(`write a store as ${fullStoreForms()}${hint}`);
}

/** Formats a location so that `parseLocation` can parse it. */
export function formatLocation(location: StoreLocation): string {
  return kindOf(location).format(location);
}

/** A store's name: its location, without any parameter but the endpoint. */
export function storeName(location: StoreLocation): string {
  const { format, parameters } = kindOf(location);
  const text = format(location);
  if (parameters === "") return text;
  const [place = "", query = ""] = text.split("?");
  const endpoint = query.split("&").find((pair) => pair.startsWith("endpoint="));
  return endpoint === undefined ? place : `${place}?${endpoint}`;
}
