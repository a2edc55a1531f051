import { rm } from "node:fs/promises";
import { storeNames } from "../app/destination.ts";
import { settingsOfConfig } from "../app/settings.ts";
import { checkOutputTarget, type OutputTarget, writeOutputFile } from "../recovery/output-file.ts";
import { throwIfAborted } from "../runtime/abort.ts";
import { ScbError } from "../runtime/error.ts";
import { readSmallFile } from "../runtime/small-file.ts";
import { storeForms } from "../store/store-kinds.ts";
import type { Action, ActionContext } from "./action.ts";
import { examineSettings, printDoctorReport } from "./doctor.ts";
import { exitCodes } from "./exit-code.ts";
import { configText } from "./init/config-text.ts";
import type { Dialogue } from "./init/dialogue.ts";
import {
  type Entries,
  givenEntries,
  namesNode,
  type SecretFile,
  settled,
  withoutSecrets,
} from "./init/entries.ts";
import { initSettings } from "./init/init-settings.ts";
import { nextSteps, printNextSteps } from "./init/next-steps.ts";

interface InitOptions {
  readonly output: string;
  readonly force: boolean;
  readonly yes: boolean;
}

export const initAction: Action<InitOptions> = async (context) => {
  const { options, terminal, json, signal } = context;
  const { force } = options;
  const target = await checkOutputTarget(options.output, { force });
  const { entries: answers, dialogue } = await answersTo(context);
  const { entries, files } = withoutSecrets(settled(answers), target.path);
  const secrets = await Promise.all(
    files.map(async (file) => ({ ...file, target: await checkOutputTarget(file.path, { force }) })),
  );
  const text = configText(entries, initSettings, target.path);
  const settings = settingsOfConfig(
    text,
    target.path,
    (path) => files.find((file) => file.path === path)?.text ?? readSmallFile(path),
  );
  storeNames(settings);
  const report = await examineSettings({ ...context, settings });
  terminal.progress(null);
  if (!json) printDoctorReport(report, terminal);
  if (dialogue !== null && !report.ok) await mustBeWritten(dialogue);
  throwIfAborted(signal);
  await write(context, { target, text, secrets });
  dialogue?.end(`${target.path} is written.`);
  const steps = nextSteps({ entries, settings, report, path: target.path });
  if (json) {
    const written = { file: target.path, secretFiles: files.map(({ path }) => path) };
    terminal.json({ ...written, ...steps, doctor: report });
  } else printNextSteps(steps, report, target.path, terminal);
  return report.ok ? exitCodes.done : exitCodes.problemFound;
};

/** What was given as flags and, unless that is not wanted, what a person answers to the rest. */
async function answersTo({ options, flags, confirm, signal }: ActionContext<InitOptions>): Promise<{
  readonly entries: Entries;
  readonly dialogue: Dialogue | null;
}> {
  const given = givenEntries(flags);
  if (options.yes) {
    mustSuffice(given);
    return { entries: given, dialogue: null };
  }
  if (confirm === undefined) {
    throw new ScbError(
      "usage",
      `init asks its questions at a terminal, and there is none: give the answers as flags, as in scb-mirror init --yes --from lnd --macaroonpath ~/scb-mirror.macaroon --to s3://my-bucket/lightning`,
    );
  }
  const [{ Dialogue }, { askNode }, { askStores }, { askRest }] = await Promise.all([
    import("./init/dialogue.ts"),
    import("./init/ask-node.ts"),
    import("./init/ask-stores.ts"),
    import("./init/ask-rest.ts"),
  ]);
  const dialogue = new Dialogue(signal);
  const node = namesNode(given) ? [] : await askNode(dialogue);
  const stores = given.has("to") ? [] : await askStores(dialogue);
  const known: Entries = new Map([...node, ...stores, ...given]);
  const entries = new Map([...known, ...(await askRest(dialogue, known))]);
  mustSuffice(entries);
  return { entries, dialogue };
}

/** Throws "usage" for what a mirror can't do without. */
function mustSuffice(entries: Entries): void {
  if (!entries.has("to")) {
    throw new ScbError("usage", `no store is named: give --to ${storeForms()}`);
  }
  if (entries.get("from")?.startsWith("file:") === true && !entries.has("node")) {
    throw new ScbError(
      "usage",
      "a channel.backup doesn't say whose it is: name the node's folder in the store with --node",
    );
  }
}

async function mustBeWritten(dialogue: Dialogue): Promise<void> {
  const message = "doctor found a problem. Write the file nevertheless?";
  if (await dialogue.yes(message, true)) return;
  throw new ScbError(
    "aborted",
    "nothing was written: mend what doctor found, and start init again",
  );
}

interface Writing {
  readonly target: OutputTarget;
  readonly text: string;
  readonly secrets: readonly (SecretFile & { readonly target: OutputTarget })[];
}

/** The files with secrets first, since the other one names them. All of them, or none. */
async function write(
  { random }: ActionContext<InitOptions>,
  { target, text, secrets }: Writing,
): Promise<void> {
  const encoder = new TextEncoder();
  const mode = 0o600;
  const written: string[] = [];
  try {
    for (const secret of secrets) {
      await writeOutputFile(secret.target, encoder.encode(secret.text), { mode, random });
      written.push(secret.target.path);
    }
    await writeOutputFile(target, encoder.encode(text), { mode, random });
  } catch (error) {
    await Promise.all(written.map((path) => rm(path, { force: true })));
    throw error;
  }
}
