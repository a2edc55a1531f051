import { FaultProxy } from "../peers/fault-proxy/fault-proxy.ts";
import { type MinioOptions, type MinioServer, startMinio } from "../peers/minio.ts";
import { Bucket } from "./bucket.ts";
import { type RunningCli, startRun } from "./cli.ts";

/** A MinIO with a bucket, a fault proxy before it, and programs that reach it only through that. */
export class FaultGround implements AsyncDisposable {
  readonly minio: MinioServer;
  readonly proxy: FaultProxy;
  readonly bucket: Bucket;
  readonly #running: RunningCli[] = [];

  private constructor(minio: MinioServer, proxy: FaultProxy, bucket: Bucket) {
    this.minio = minio;
    this.proxy = proxy;
    this.bucket = bucket;
  }

  static async start(bucketName: string, options: MinioOptions = {}): Promise<FaultGround> {
    const minio = await startMinio(options);
    await minio.createBucket(bucketName);
    const { endpoint } = minio;
    const keepsBody = (path: string): boolean => path.endsWith("/latest.json");
    const proxy = await FaultProxy.start({ endpoint, keepsBody });
    return new FaultGround(minio, proxy, new Bucket(minio, bucketName));
  }

  /** What a program needs to reach the store through the proxy. */
  env(): NodeJS.ProcessEnv {
    return { ...this.minio.env(), AWS_ENDPOINT_URL_S3: this.proxy.endpoint };
  }

  /** `run --json` on this bucket. It is killed on dispose if it still runs. */
  run(args: readonly string[]): RunningCli {
    const run = startRun([...args, "--to", `s3://${this.bucket.name}`], { env: this.env() });
    this.#running.push(run);
    return run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map((run) => run[Symbol.asyncDispose]()));
    await this.proxy[Symbol.asyncDispose]();
    this.bucket[Symbol.dispose]();
    await this.minio[Symbol.asyncDispose]();
  }
}
