/** The SDK has already asked, without hurry. This request only finds out why it failed. */
const patienceMs = 1_000;
const instanceService = "http://169.254.169.254";
const rolePath = "/latest/meta-data/iam/security-credentials/";

/**
 * The trouble of the service that gives this container or machine its credentials, for people; null if
 * there is none. For a machine, a missing service is trouble only if it gave credentials before
 * (`hadSome`).
 */
export async function metadataTrouble(hadSome: boolean): Promise<string | null> {
  const { env } = process;
  const variable = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    .filter((name) => env[name])
    .at(0);
  if (variable !== undefined) {
    return `the service that gives this container its credentials (${variable}) gives none now`;
  }
  const disabled = env["AWS_EC2_METADATA_DISABLED"] ?? "";
  if (disabled !== "" && disabled !== "false") return null;
  const status = await roleStatus(env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? instanceService);
  if (status === 404) return null;
  if (status !== null) {
    return `the instance metadata service, which gives this machine its credentials, answers with status ${status}`;
  }
  return hadSome
    ? "the instance metadata service, which gave this machine its credentials, does not answer"
    : null;
}

/** The service's answer when asked for the machine's role; null if nothing answers. */
async function roleStatus(service: string): Promise<number | null> {
  try {
    const token = await ask(service, "/latest/api/token", {
      method: "PUT",
      headers: { "x-aws-ec2-metadata-token-ttl-seconds": "60" },
    });
    const held = token.status === 200 ? await token.text() : "";
    const headers = held === "" ? {} : { "x-aws-ec2-metadata-token": held };
    const role = await ask(service, rolePath, { headers });
    await role.body?.cancel();
    return role.status;
  } catch {
    return null;
  }
}

function ask(service: string, path: string, request: RequestInit): Promise<Response> {
  const signal = AbortSignal.timeout(patienceMs);
  return fetch(new URL(path, service), { ...request, redirect: "manual", signal });
}
