import { usage } from "./location-text.ts";
import { fullStoreForms, kindOf, type StoreLocation, storeKinds } from "./store-kinds.ts";

/**
 * Reads the value of `--to`, in the form of one of the kinds of stores.
 *
 * Throws `usage`. As the value may hold a credential where none should be, it is never repeated.
 */
export function parseLocation(text: string): StoreLocation {
  const row = storeKinds.find(({ scheme }) => text.startsWith(scheme));
  if (row !== undefined) return row.parse(text);
  const hint = text.startsWith("/") ? "; a path needs file:// before it" : "";
  throw usage(`a store is given as ${fullStoreForms()}${hint}`);
}

/** The location as `parseLocation` reads it. */
export function formatLocation(location: StoreLocation): string {
  return kindOf(location).format(location);
}

/** What a store is called: its location, with nothing of the query but the endpoint. */
export function storeName(location: StoreLocation): string {
  const { format, parameters } = kindOf(location);
  const text = format(location);
  if (parameters === "") return text;
  const [place = "", query = ""] = text.split("?");
  const endpoint = query.split("&").find((pair) => pair.startsWith("endpoint="));
  return endpoint === undefined ? place : `${place}?${endpoint}`;
}
