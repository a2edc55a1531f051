/**
 * Stands in PATH as `rclone`: rclone's remote control over files in memory, with a fault that
 * FAKE_RCLONE names. `old`: it is rclone 1.53. `damages`: reads return a wrong last byte.
 * `drops`: it acknowledges a move without doing it.
 */
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export type FakeFault = "none" | "old" | "damages" | "drops";

/** Puts it into a new folder of `parent`; returns the environment whose PATH has it. */
export async function fakeRclone(
  parent: string,
  fault: FakeFault,
): Promise<Readonly<Record<string, string>>> {
  const folder = join(parent, `fake-${fault}`);
  await mkdir(folder);
  const script = join(folder, "rclone");
  const { execPath } = process;
  await writeFile(script, `#!/bin/sh\nexec "${execPath}" "${import.meta.filename}" "$@"\n`);
  await chmod(script, 0o755);
  return { PATH: `${folder}:${process.env["PATH"]}`, FAKE_RCLONE: fault };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) serve();

function serve(): void {
  const fault = process.env["FAKE_RCLONE"] ?? "none";
  const files = new Map<string, Buffer>();
  const answer = async (request: IncomingMessage): Promise<{ status: number; body: Buffer }> => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const sent = Buffer.concat(chunks);
    const json = (value: unknown, status = 200) => ({
      status,
      body: Buffer.from(JSON.stringify(value)),
    });
    const notFound = json({ error: "object not found", status: 404 }, 404);
    if (request.method === "GET") {
      const key = decodeURIComponent(url.pathname).replace(/^\/\[.*?\]\//, "");
      const found = files.get(key);
      if (found === undefined) return notFound;
      const body = Buffer.from(found);
      const last = body.length - 1;
      if (fault === "damages") body[last] = (body[last] ?? 0) ^ 1;
      return { status: 200, body };
    }
    switch (url.pathname) {
      case "/core/version": {
        const minor = fault === "old" ? 53 : 60;
        return json({ version: `v1.${minor}.1`, decomposed: [1, minor, 1] });
      }
      case "/operations/uploadfile": {
        const [, name = ""] = /filename="([^"]*)"/.exec(sent.toString("latin1")) ?? [];
        const start = sent.indexOf("\r\n\r\n") + 4;
        const end = sent.lastIndexOf("\r\n--", sent.length - 5);
        const folder = url.searchParams.get("remote") ?? "";
        files.set(folder === "" ? name : `${folder}/${name}`, sent.subarray(start, end));
        return json({});
      }
      case "/operations/movefile": {
        const { srcRemote, dstRemote } = JSON.parse(sent.toString());
        const found = files.get(srcRemote);
        if (found === undefined) return notFound;
        files.delete(srcRemote);
        if (fault !== "drops") files.set(dstRemote, found);
        return json({});
      }
      case "/operations/deletefile":
        return files.delete(JSON.parse(sent.toString()).remote) ? json({}) : notFound;
      case "/operations/stat": {
        const { remote } = JSON.parse(sent.toString());
        const found = files.get(remote);
        const ModTime = new Date().toISOString();
        const item = found && { Path: remote, Size: found.length, ModTime, IsDir: false };
        return json({ item: item ?? null });
      }
      default:
        return json({ error: "couldn't find method", status: 404 }, 404);
    }
  };
  const server = createServer((request, response) => {
    void answer(request).then(({ status, body }) => {
      response.writeHead(status, { "content-length": body.length });
      response.end(body);
    });
  });
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo;
    process.stderr.write(`NOTICE: Serving remote control on http://127.0.0.1:${port}/\n`);
  });
}
