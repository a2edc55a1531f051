import { spawn } from "node:child_process";
import { once } from "node:events";
import { peakResidentMb, processorSeconds } from "./resident.ts";

/** The resources that a whole process used. Linux only. */
export interface Measured {
  readonly seconds: number;
  readonly busySeconds: number;
  readonly peakMb: number;
}

/** Runs Node with these arguments to its end. Throws if it fails. */
export async function measured(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Measured> {
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] });
  let peakMb = 0;
  let busySeconds = 0;
  const look = setInterval(() => {
    peakMb = Math.max(peakMb, peakResidentMb(child.pid));
    busySeconds = Math.max(busySeconds, processorSeconds(child.pid));
  }, 10);
  const [code] = await once(child, "exit");
  clearInterval(look);
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}`);
  return { seconds: (performance.now() - startedAtMs) / 1000, busySeconds, peakMb };
}
