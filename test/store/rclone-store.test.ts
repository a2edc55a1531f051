import { randomUUID } from "node:crypto";
import { after, before } from "node:test";
import { RcloneStore } from "../../src/store/rclone-store.ts";
import { peerConformance } from "../conformance/results.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { type RcloneRemote, startSftpRemote, startWebdavRemote } from "../peers/rclone.ts";

const servers = [
  { peer: "rclone-sftp", start: startSftpRemote },
  { peer: "rclone-webdav", start: startWebdavRemote },
] as const;

peerSuite("RcloneStore", ["rclone"], () => {
  for (const { peer, start } of servers) {
    let remote: RcloneRemote;
    before(async () => {
      remote = await start();
    });
    after(() => remote[Symbol.asyncDispose]());

    peerConformance(peer, async () => {
      const path = `${peer === "rclone-sftp" ? remote.folder : ""}/${randomUUID()}`;
      return {
        open: async () =>
          new RcloneStore({ remote: remote.name, path, environment: remote.environment }),
        [Symbol.asyncDispose]: async () => undefined,
      };
    });
  }
});
