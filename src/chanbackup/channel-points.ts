import { compareOutPoints, formatOutPoint, parseOutPoint } from "../wire/out-point.ts";

/** Sorts and normalises channel points as the project does. Throws "decode" if one isn't `txid:index`. */
export function sortedChannelPoints(points: Iterable<string>): readonly string[] {
  return Array.from(points, parseOutPoint).sort(compareOutPoints).map(formatOutPoint);
}

/** As `sortedChannelPoints`, for objects with a channel point. */
export function sortedByChannelPoint<T extends { readonly channelPoint: string }>(
  items: Iterable<T>,
): readonly T[] {
  return Array.from(items, (item) => ({ item, outPoint: parseOutPoint(item.channelPoint) }))
    .sort((one, other) => compareOutPoints(one.outPoint, other.outPoint))
    .map(({ item }) => item);
}

/** Whether `points` contains all of `others`. */
export function covers(points: readonly string[], others: readonly string[]): boolean {
  const held = new Set(points);
  return others.every((point) => held.has(point));
}
