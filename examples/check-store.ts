/**
 * Is the node whose backups lie in this store safe? `node check-store.ts file:///mnt/usb/scb/store NODE
 * KEY_FILE`, for a monitor: exit code 0 for yes, 3 for anything else. It needs to read, and never writes.
 */
import process from "node:process";
import { hasCode } from "scb-mirror";
import { BackupHistory } from "scb-mirror/history";
import { loadKeyFile } from "scb-mirror/keys";

const [to, node, keyFile] = process.argv.slice(2);
if (to === undefined || node === undefined) {
  console.error("usage: node check-store.ts STORE NODE [KEY_FILE]");
  process.exit(2);
}
try {
  const key = keyFile === undefined ? null : await loadKeyFile(keyFile, { network: "mainnet" });
  await using history = await BackupHistory.open({
    to,
    node,
    ...(key && { encrypter: key.encrypter }),
  });
  for (const { sequence, sizeBytes, createdAt, current } of await history.list({ limit: 5 })) {
    const mark = current ? "*" : " ";
    console.log(`${mark} ${sequence}  ${new Date(createdAt).toISOString()}  ${sizeBytes} bytes`);
  }
  const { verdict, findings, latest } = await history.status();
  console.log(`${verdict}: ${latest?.channels ?? "an unknown number of"} channels`);
  for (const { level, code, message } of findings) console.log(`${level} ${code}: ${message}`);
  const { ok, checked, total, problems } = await history.verify({ sample: 100 });
  console.log(`${checked} of ${total} versions read back, ${problems.length} problems`);
  process.exitCode = verdict === "safe" && ok ? 0 : 3;
} catch (error) {
  if (!hasCode(error, "store-busy", "store-unknown", "store-denied", "key", "io", "usage"))
    throw error;
  console.error(error.message);
  process.exitCode = 1;
}
