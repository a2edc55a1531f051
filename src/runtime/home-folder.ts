import { homedir } from "node:os";

/**
 * The user's folder. A user that nobody has named, as in many containers, has none: then it is the root
 * folder, as Docker has it.
 */
export function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return "/";
  }
}
