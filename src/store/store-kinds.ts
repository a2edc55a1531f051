import { azureKind } from "./azure-kind.ts";
import type { AzureLocation } from "./azure-location.ts";
import { type FileLocation, fileKind } from "./file-kind.ts";
import { gcsKind } from "./gcs-kind.ts";
import type { GcsLocation } from "./gcs-location.ts";
import { type RcloneLocation, rcloneKind } from "./rclone-kind.ts";
import { s3Kind } from "./s3-kind.ts";
import type { S3Location } from "./s3-location.ts";
import type { StoreKind } from "./store-kind.ts";

/** Where a store is. Holds no credentials. */
export type StoreLocation =
  | S3Location
  | GcsLocation
  | AzureLocation
  | FileLocation
  | RcloneLocation;

/** Every kind of store, in the order in which messages list them. */
export const storeKinds: readonly StoreKind<StoreLocation>[] = [
  s3Kind,
  gcsKind,
  azureKind,
  fileKind,
  rcloneKind,
];

/** The kind of this location. */
export function kindOf(location: Pick<StoreLocation, "kind">): StoreKind<StoreLocation> {
  const row = storeKinds.find(({ kind }) => kind === location.kind);
  if (row === undefined) throw new TypeError("there is no such kind of store");
  return row;
}

/** For people: "s3://BUCKET[/PREFIX] or file:///PATH". */
export function storeForms(): string {
  return inWords(storeKinds.map(({ form }) => form));
}

/** As `storeForms`, with the parameters after "?". */
export function fullStoreForms(): string {
  return inWords(
    storeKinds.map(({ form, parameters }) =>
      parameters === "" ? form : `${form}[?${parameters}]`,
    ),
  );
}

function inWords(forms: readonly string[]): string {
  return `${forms.slice(0, -1).join(", ")} or ${forms.at(-1)}`;
}
