import { existsSync } from "node:fs";
import { expandPath } from "../../node/lnd/lnd-config.ts";
import { checkSetting } from "./check-answer.ts";
import type { Dialogue } from "./dialogue.ts";
import type { Entries } from "./entries.ts";

type Answers = Map<Parameters<Entries["get"]>[0], string>;

/** Asks for what nobody has to have: a key for drills, and who is told. `given` isn't asked for again. */
export async function askRest(dialogue: Dialogue, given: Entries): Promise<Entries> {
  const answers: Answers = new Map();
  if (!given.has("key-file")) {
    const opener = given.get("from")?.startsWith("file:") === true ? "Nobody" : "Only lnd";
    dialogue.say(
      `${opener} can open the backups in drills, unless you give a backup key. It reads backups\nand spends nothing; scb-mirror key makes it.`,
    );
    const path = await dialogue.text("A file with the backup key", {
      hint: "/path/to/backup.key, or nothing",
      check: (text) =>
        text === "" || existsSync(expandPath(text)) ? undefined : "there is no such file",
    });
    if (path !== "") answers.set("key-file", path);
  }
  const asked = [
    [
      "notify",
      "Who is told when something is wrong",
      "Messages go to ntfys://HOST/TOPIC, telegram://TOKEN@CHAT, https://… (JSON) or smtps://….\nNothing for none; docs/alerts.md has more.",
    ],
    [
      "heartbeat",
      "The heartbeat's URL",
      "A heartbeat raises the alarm when this machine dies: healthchecks.io, for one, gives you\na URL. Nothing for none.",
    ],
  ] as const;
  for (const [name, message, remark] of asked) {
    if (given.has(name) || given.has(`${name}-file`)) continue;
    dialogue.say(remark);
    const check = checkSetting(name);
    const url = await dialogue.secret(message, (text) => (text === "" ? undefined : check(text)));
    if (url !== "") answers.set(name, url);
  }
  return answers;
}
