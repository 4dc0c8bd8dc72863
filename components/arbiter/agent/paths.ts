/** Fixed places and names on a node; what shell scripts and units know by the same names. */
export const SETTINGS = "/etc/tandem/settings.json";
export const PKI = "/etc/tandem/pki";
export const NOTES = "/var/lib/tandem/notes.json";
export const DISARMED = "/var/lib/tandem/disarmed";
export const SPLIT_BRAIN = "/var/lib/tandem/split-brain";
export const LET_GO = "/var/lib/tandem/let-go";
export const SOCKET = "/run/tandem/agent.sock";
/** Holds 1 while the sibling goes on and this node does not. */
export const ASIDE = "/run/tandem/aside";

/** Changes with everything that T reads only when it starts. */
export const T_SETTINGS = "/etc/tandem/etcd/transient.yaml";
/** What T reads instead: a FIFO while its program waits for its settings, and afterwards a copy of what it was given. */
export const T_STARTED_WITH = "/run/tandem-transient/config";

export const RESOURCE = "etcd-t";
export const MOUNTPOINT = "/var/lib/etcd-transient";

export const VOLUME_UNIT = "etcd-transient-volume.service";
export const MOUNT_UNIT = "var-lib-etcd\\x2dtransient.mount";
export const T_UNIT = "etcd-transient.service";
/** T's processes, by its control group. */
export const T_PROCESSES = `/sys/fs/cgroup/system.slice/${T_UNIT}/cgroup.procs`;

/** T's data on the volume. */
export const T_DATA = `${MOUNTPOINT}/data`;

export const HANDSHAKE_PORT = 2384;
/** On the frontend: a load balancer hears there what {@link ASIDE} tells on the node. */
export const ASIDE_PORT = 2385;
/** Client ports of the regular member and of T; both also listen on loopback. */
export const MEMBER_PORT = 2379;
export const T_PORT = 2383;
