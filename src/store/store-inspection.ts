import type { RequestOptions } from "./object-store.ts";

/**
 * What a service can be asked beside its objects: for a check of how it is set up, never for
 * mirroring. Where the credential may not ask, or the service does not know the question, the answer
 * is "unknown"; an outage throws as any request does.
 */
export interface StoreInspection {
  readonly rights: InspectionRights;
  survey(options?: RequestOptions): Promise<StoreSurvey>;
  /**
   * Whether this credential may delete `key`, which must hold nothing and never have held anything:
   * nothing is lost where it may.
   */
  mayDelete(key: string, options?: RequestOptions): Promise<DeleteRights>;
}

/** What the service calls the permissions that messages name. */
export interface InspectionRights {
  /** To ask whether the bucket keeps versions: "s3:GetBucketVersioning". */
  readonly versioning: string;
  /** To ask whether it keeps objects from being deleted. */
  readonly objectLock: string;
  /** Completes "take …", for a credential that may delete: "s3:DeleteObject from their policy". */
  readonly deleting: string;
}

/** How a service is set up, as far as it tells. */
export interface StoreSurvey {
  /** This machine's clock less the store's, milliseconds, to about a second; null where not told. */
  readonly clockSkewMs: number | null;
  readonly versioning: "on" | "suspended" | "off" | "unknown";
  readonly objectLock: ObjectLock;
}

/** Whether a bucket keeps objects from being deleted. */
export type ObjectLock =
  | { readonly kind: "off" }
  | { readonly kind: "unknown" }
  /** `retention` is for people, as "COMPLIANCE, 30 days"; null where objects have none by default. */
  | { readonly kind: "on"; readonly retention: string | null };

/** What a credential may delete. */
export interface DeleteRights {
  /** A plain delete; where versions are kept it only hides the object. */
  readonly objects: boolean;
  /** A delete of one version, for good. */
  readonly versions: boolean;
  /** The mark of the deletion that the service keeps and that could not be removed again. */
  readonly leftMarker: boolean;
}
