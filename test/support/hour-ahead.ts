/** Loaded into a child by `--import`: its clock is an hour ahead, as on a machine without NTP. */
const aheadMs = 3_600_000;
const RealDate = Date;

class DateAhead extends RealDate {
  constructor(...parts: [] | [number | string | Date]) {
    super(parts[0] ?? RealDate.now() + aheadMs);
  }

  static override now(): number {
    return RealDate.now() + aheadMs;
  }
}

Object.defineProperty(globalThis, "Date", { value: DateAhead });
