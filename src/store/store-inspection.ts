import type { RequestOptions } from "./object-store.ts";

/**
 * Questions to a service beside its objects, for checks of its set-up, never for mirroring. The answer is
 * "unknown" if the credential may not ask or the service doesn't know the question. An outage throws as
 * in any request.
 */
export interface StoreInspection {
  readonly rights: InspectionRights;
  survey(options?: RequestOptions): Promise<StoreSurvey>;
  /**
   * Whether this credential may delete `key`, which must hold nothing and never have held anything, so
   * that deleting it loses nothing.
   */
  mayDelete(key: string, options?: RequestOptions): Promise<DeleteRights>;
}

/** The service's names of the permissions that messages mention. */
export interface InspectionRights {
  /** To ask whether the bucket keeps versions: "s3:GetBucketVersioning". */
  readonly versioning: string;
  /** To ask whether it protects objects from deletion. */
  readonly objectLock: string;
  /** Completes "take …", for a credential that may delete: "s3:DeleteObject from their policy". */
  readonly deleting: string;
}

/** A service's set-up, as far as it tells. */
export interface StoreSurvey {
  /** This machine's clock minus the store's, in milliseconds, to about a second; null if not known. */
  readonly clockSkewMs: number | null;
  readonly versioning: "on" | "suspended" | "off" | "unknown";
  readonly objectLock: ObjectLock;
}

/** Whether a bucket protects objects from deletion. */
export type ObjectLock =
  | { readonly kind: "off" }
  | { readonly kind: "unknown" }
  /** `retention` is for people, such as "COMPLIANCE, 30 days"; null if objects have none by default. */
  | { readonly kind: "on"; readonly retention: string | null };

/** What a credential may delete. */
export interface DeleteRights {
  /** A plain delete. In a bucket that keeps versions, it only hides the object. */
  readonly objects: boolean;
  /** A delete of one version, for good. */
  readonly versions: boolean;
  /** The service keeps a delete marker that could not be removed again. */
  readonly leftMarker: boolean;
}
