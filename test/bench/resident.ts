import { readFileSync } from "node:fs";

/** The memory that a process has resident, in MB (10^6 bytes), as the kernel counts it. Linux only. */
export function residentMb(pid: number | undefined): number {
  const mb = statusMb(pid, "VmRSS");
  if (mb === null) throw new Error(`process ${pid} has no VmRSS`);
  return mb;
}

/** Its peak; 0 if it has no memory left because it is about to end. */
export function peakResidentMb(pid: number | undefined): number {
  return statusMb(pid, "VmHWM") ?? 0;
}

function statusMb(pid: number | undefined, name: "VmRSS" | "VmHWM"): number | null {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  return kib === undefined ? null : (Number(kib) * 1024) / 1e6;
}

/** The processor time that a process has used, in seconds, on all cores. Linux only. */
export function processorSeconds(pid: number | undefined): number {
  // After the name, which may hold anything: state is field 3, user and system time 14 and 15.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
