import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { provisionSeaweedFs } from "./provision.ts";
import { type S3Ground, type S3Server, startS3Server } from "./s3-server.ts";

/** Starts a whole SeaweedFS in one process, and returns when its S3 answers. Builds it if it isn't cached. */
export async function startSeaweedFs(): Promise<S3Server> {
  const path = await provisionSeaweedFs();
  const start = async ({ data, port, folder, accessKeyId, secretAccessKey }: S3Ground) => {
    const identities = join(folder, "identities.json");
    const credentials = [{ accessKey: accessKeyId, secretKey: secretAccessKey }];
    const identity = { name: "scb-test", credentials, actions: ["Admin"] };
    await writeFile(identities, JSON.stringify({ identities: [identity] }), { mode: 0o600 });
    const ports: string[] = [];
    for (const part of ["master", "volume", "filer"]) {
      ports.push(`-${part}.port=${await freePort()}`, `-${part}.port.grpc=${await freePort()}`);
    }
    const s3 = ["-s3", `-s3.port=${port}`, `-s3.port.grpc=${await freePort()}`];
    return {
      args: [
        ...["server", "-ip=127.0.0.1", `-dir=${data}`, ...ports, ...s3, `-s3.config=${identities}`],
        // Each bucket takes several volumes, and the first write to one fails if none is left.
        ...["-volume.max=200", "-master.volumeSizeLimitMB=64"],
      ],
    };
  };
  return startS3Server({ name: "SeaweedFS", path, start });
}
