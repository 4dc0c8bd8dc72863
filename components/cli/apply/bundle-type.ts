/**
 * What one component wants on one machine: the JSON that `tandem apply` and `tandem remove` read from stdin. Everything in it
 * is a statement of the wanted state, so the same bundle may be applied any number of times.
 */

export interface ApplyBundle extends FileSet {
  /** Name of the record of ownership; lower-case letters, digits and dashes. */
  readonly component: string;
}

/** A bundle without its name, as components hand it to `Host.push`. */
export interface FileSet {
  /** By absolute path. What an earlier bundle of the component wrote and this one does not name is deleted. */
  readonly files?: Readonly<Record<string, FileSpec>>;
  /** By absolute path; deleted by `remove` only while empty. */
  readonly directories?: Readonly<Record<string, DirectorySpec>>;
  readonly users?: readonly UserSpec[];
  /** Debian package names, installed when missing, never removed. */
  readonly packages?: readonly string[];
  readonly artifacts?: readonly ArtifactSpec[];
  /** Kernel modules to load. */
  readonly modules?: readonly string[];
  /** In the order in which they are stopped, started and restarted. */
  readonly units?: readonly UnitSpec[];
  /** What must be seen before the command succeeds, in this order. */
  readonly prove?: readonly Proof[];
  /**
   * Versions or fingerprints of what other components wrote and this one depends on, by a name of choice. Not looked at on
   * the machine: a change makes the engine apply this bundle again, so that units are restarted by their `restartOn`.
   */
  readonly versions?: Readonly<Record<string, string>>;
  /**
   * When a unit does not start or a proof does not hold, the last bundle of the component that worked is put back, its programs
   * included. Not for bundles with secrets: they would be kept.
   */
  readonly rollBack?: boolean;
  /** Absolute paths of data that `remove` deletes, whatever is in them, only if `purge` is true. */
  readonly data?: readonly string[];
  readonly purge?: boolean;
}

export interface FileSpec {
  /** Four octal digits. */
  readonly mode: string;
  /** `user:group`; root:root where absent. */
  readonly owner?: string;
  readonly content: string;
  /** The program that must accept the file before it takes its place. */
  readonly check?: Checker;
  /**
   * The path is one where a Debian package leaves a file of its own. That file is kept as `<path>.before-tandem` and comes back
   * with `remove`. Without this, a file that Tandem did not write is never overwritten.
   */
  readonly takeOver?: boolean;
}

/**
 * `unit`: systemd-analyze verify; `nginx`: nginx -t of a site's file inside an empty configuration; `drbd`: drbdadm dump, with a
 * version only where that one is loaded; `keepalived`: keepalived -t; `haproxy`: haproxy -c; `shell`: sh -n; `json`; `certificate`: an X.509 certificate in force today.
 */
export type Checker =
  | "unit"
  | "nginx"
  | "drbd"
  | "drbd-8.4"
  | "drbd-9"
  | "keepalived"
  | "haproxy"
  | "shell"
  | "json"
  | "certificate";

export interface DirectorySpec {
  readonly mode: string;
  /** `user:group`; root:root where absent. */
  readonly owner?: string;
}

/** A system account without a login, in a group of the same name. */
export interface UserSpec {
  readonly name: string;
  /** Also the group's id. */
  readonly id: number;
  readonly home: string;
}

/** A pinned download: a `.tar.gz` archive, or one plain file. */
export interface ArtifactSpec {
  readonly name: string;
  readonly url: string;
  /** Absolute folder on the machine that holds the file under the last part of the URL's path; undefined = download. */
  readonly folder?: string | undefined;
  /** Of the file as downloaded; 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Files to install, by absolute path; the value is the member's path in the archive, or `.` for the file itself. */
  readonly install: Readonly<Record<string, string>>;
  /** Four octal digits, of all of them; those of an executable, 0755, where absent. */
  readonly mode?: string;
}

export interface UnitSpec {
  readonly name: string;
  /** Started at boot. Left as it is where absent. */
  readonly enable?: boolean;
  /** `none` where absent: neither started nor stopped nor restarted. */
  readonly state?: "started" | "stopped" | "none";
  /** Files, of any component, whose change since the last start by Tandem calls for a restart. Folders are not followed. */
  readonly restartOn?: readonly string[];
  /** The same, for what a reload puts into effect. */
  readonly reloadOn?: readonly string[];
  /** `false` for a unit whose start waits for other machines: the start is asked for and not awaited. */
  readonly awaitStart?: boolean;
  /** What `tandem wait` must report before a running unit is restarted, so that two nodes never restart together. */
  readonly gate?: "protected";
  /** Made impossible to start; done before packages are installed. */
  readonly mask?: boolean;
}

export type Proof =
  | { readonly kind: "active"; readonly unit: string; readonly withinSeconds: number }
  | { readonly kind: "listening"; readonly address: string; readonly port: number; readonly withinSeconds: number }
  /** A program that looks and changes nothing, asked until it ends with 0. */
  | { readonly kind: "succeeds"; readonly command: readonly [string, ...string[]]; readonly withinSeconds: number };
