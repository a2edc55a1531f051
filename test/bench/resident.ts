import { readFileSync } from "node:fs";

/** The memory that a process has resident, in MB (10^6 bytes), as the kernel counts it. Linux only. */
export function residentMb(pid: number | undefined): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (kib === undefined) throw new Error(`process ${pid} has no VmRSS`);
  return (Number(kib) * 1024) / 1e6;
}
