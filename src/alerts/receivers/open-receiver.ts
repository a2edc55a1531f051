import type { Receiver } from "./receiver.ts";
import type { ReceiverUrl } from "./receiver-url.ts";

/** Opens the receiver for a URL. Loads its code only now. */
export async function openReceiver(url: ReceiverUrl): Promise<Receiver> {
  switch (url.kind) {
    case "webhook":
      return (await import("./webhook.ts")).webhook(url);
    case "ntfy":
      return (await import("./ntfy.ts")).ntfy(url);
    case "telegram":
      return (await import("./telegram.ts")).telegram(url);
    case "mail":
      return (await import("./mail.ts")).mail(url);
  }
}
