import { cached, type Progress } from "./peer-cache.ts";
import { pipInstall, python, pythonVersion } from "./pip-install.ts";

const motoVersion = "5.2.1";
/** S3 for the store's tests; the others are what the CloudFormation template is made of. */
const extras = "s3,cloudformation,ecs,ec2,iam,secretsmanager,logs,cloudwatch";
const packages = [`moto[${extras}]==${motoVersion}`, "flask==3.1.3", "flask-cors==6.0.5"] as const;
const modules = "moto.server, moto.cloudformation.parsing";

/** Variables with which `python3 -m moto.server` starts moto. Throws PeerUnavailable. */
export async function installMoto(progress: Progress): Promise<NodeJS.ProcessEnv> {
  if ((await python(["-c", `import ${modules}; print(moto.__version__)`])) === motoVersion)
    return {};
  const version = await pythonVersion("moto");
  const folder = await cached(
    {
      key: `moto-${motoVersion}-cloudformation-python${version}`,
      title: "moto (about a minute the first time)",
      build: (into) => pipInstall(into, packages),
    },
    progress,
  );
  return { PYTHONPATH: folder };
}
