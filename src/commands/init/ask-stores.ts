import { expandPath } from "../../node/lnd/lnd-config.ts";
import { ScbError } from "../../runtime/error.ts";
import { formatLocation, parseLocation, storeName } from "../../store/parse-location.ts";
import type { StoreLocation } from "../../store/store-kinds.ts";
import { problemOf } from "./check-answer.ts";
import type { Dialogue } from "./dialogue.ts";
import type { Entries } from "./entries.ts";

type Kind = StoreLocation["kind"];

/** Asks for one store after the other, and how many of them have to hold the node's state. */
export async function askStores(dialogue: Dialogue): Promise<Entries> {
  const stores: string[] = [];
  do {
    stores.push(await askStore(dialogue, stores));
  } while (await dialogue.yes("Keep the backups in another store as well?", false));
  const to = ["to", stores.join(" ")] as const;
  if (stores.length === 1) return new Map([to]);
  const required = await dialogue.choose("When is the node safe?", [
    { value: "all", label: "when all stores hold its state" },
    { value: "majority", label: "when most of them do" },
    { value: "1", label: "when one of them does" },
  ]);
  return new Map([to, ["require", required]]);
}

/** Gives the store as `--to` takes it. `others`: those that were named before. */
async function askStore(dialogue: Dialogue, others: readonly string[]): Promise<string> {
  const kind = await dialogue.choose<Kind>("Where are the backups to be kept?", [
    { value: "s3", label: "S3", hint: "AWS, MinIO, R2, or another service that speaks it" },
    { value: "gs", label: "Google Cloud Storage" },
    { value: "abs", label: "Azure Blob Storage" },
    { value: "rclone", label: "rclone", hint: "SFTP, Nextcloud, Dropbox, …; append-only" },
    { value: "file", label: "a folder", hint: "best on another disk or machine" },
  ]);
  const { message, hint, read } = places[kind];
  const answer = await dialogue.text(message, {
    hint,
    check: (text) =>
      problemOf(() => {
        const name = storeName(read(text));
        const isTaken = others.some((other) => storeName(parseLocation(other)) === name);
        if (isTaken) throw new ScbError("usage", "this store was named already");
      }),
  });
  return formatLocation(await withParameters(dialogue, read(answer)));
}

interface Place {
  readonly message: string;
  readonly hint: string;
  /** Throws "usage". */
  readonly read: (answer: string) => StoreLocation;
}

const places: Readonly<Record<Kind, Place>> = {
  s3: {
    message: "The bucket, and a folder in it",
    hint: "my-bucket/lightning",
    read: (answer) => parseLocation(`s3://${answer.replace(/^s3:\/\//, "")}`),
  },
  gs: {
    message: "The bucket, and a folder in it",
    hint: "my-bucket/lightning",
    read: (answer) => parseLocation(`gs://${answer.replace(/^gs:\/\//, "")}`),
  },
  abs: {
    message: "The storage account, its container, and a folder in it",
    hint: "myaccount@my-container/lightning",
    read: (answer) => parseLocation(`abs://${answer.replace(/^abs:\/\//, "")}`),
  },
  rclone: {
    message: "A remote that rclone listremotes shows, and a folder there",
    hint: "nas:lightning",
    read: (answer) => parseLocation(`rclone:${answer.replace(/^rclone:/, "")}`),
  },
  file: {
    message: "The folder. Two levels below the mount point of a disk is best",
    hint: "/mnt/usb/scb/store",
    read: (answer) => {
      if (answer === "") throw new ScbError("usage", "give the path of a folder");
      if (answer.startsWith("file:")) return parseLocation(answer);
      const location: StoreLocation = { kind: "file", path: expandPath(answer) };
      return parseLocation(formatLocation(location));
    },
  },
};

/** What the kind of store has to be told besides. An empty answer leaves it to the standard places. */
async function withParameters(dialogue: Dialogue, location: StoreLocation): Promise<StoreLocation> {
  switch (location.kind) {
    case "s3": {
      const endpoint = await optional(dialogue, location, "endpoint", {
        message: "The service's endpoint, unless it is AWS",
        hint: "https://minio.example:9000",
      });
      const region = await optional(dialogue, endpoint, "region", {
        message: "The region, unless the environment or the profile has it",
        hint: "eu-central-1",
      });
      return optional(dialogue, region, "profile", {
        message: "The AWS profile, unless the environment or a role gives the credentials",
        hint: "scb-mirror",
      });
    }
    case "gs":
    case "abs":
      return optional(dialogue, location, "credentials", {
        message: "A file with the credentials, unless they are in the standard places",
        hint: "/etc/scb-mirror/credentials",
      });
    case "rclone":
    case "file":
      return location;
  }
}

async function optional(
  dialogue: Dialogue,
  location: StoreLocation,
  name: "endpoint" | "region" | "profile" | "credentials",
  { message, hint }: { readonly message: string; readonly hint: string },
): Promise<StoreLocation> {
  if (name in location) return location;
  const withAnswer = (answer: string): StoreLocation =>
    parseLocation(formatLocation({ ...location, [name]: answer }));
  const answer = await dialogue.text(message, {
    hint: `${hint}, or nothing`,
    check: (text) => (text === "" ? undefined : problemOf(() => withAnswer(text))),
  });
  return answer === "" ? location : withAnswer(answer);
}
