import { randomUUID } from "node:crypto";
import { after, before } from "node:test";
import { RcloneStore } from "../../src/store/rclone-store.ts";
import { objectStoreSuite } from "../../src/testing/object-store-suite.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { type RcloneRemote, startSftpRemote, startWebdavRemote } from "../peers/rclone.ts";

const servers = [
  { server: "sshd", start: startSftpRemote },
  { server: "rclone serve webdav", start: startWebdavRemote },
] as const;

peerSuite("RcloneStore", ["rclone"], () => {
  for (const { server, start } of servers) {
    let remote: RcloneRemote;
    before(async () => {
      remote = await start();
    });
    after(() => remote[Symbol.asyncDispose]());

    objectStoreSuite(
      `RcloneStore on ${server}`,
      async () => {
        const path = `${server === "sshd" ? remote.folder : ""}/${randomUUID()}`;
        return {
          open: async () =>
            new RcloneStore({ remote: remote.name, path, environment: remote.environment }),
          [Symbol.asyncDispose]: async () => undefined,
        };
      },
      "none",
    );
  }
});
