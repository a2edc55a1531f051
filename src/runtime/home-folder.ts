import { homedir } from "node:os";

/**
 * The user's home folder. Users without a name, common in containers, have none: then it is the root
 * folder, as in Docker.
 */
export function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return "/";
  }
}
