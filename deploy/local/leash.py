"""Becomes a program that does not outlive the process that asked for it.

Run as a file, with the standard library alone:

    python -I -S leash.py LIFELINE SIGNAL IDENTITY PROGRAM [ARGUMENT ...]

LIFELINE is the reading end of a pipe whose only writing end the asking process holds. However that
process ends, the pipe ends with it, and a watcher forked here then sends SIGNAL to the program.
Nothing depends on the asking process tidying up, on which of its threads started the program, or on
what the program does with its credentials; that is why this is no `PR_SET_PDEATHSIG`, which Linux
alone has, and which is lost with the starting thread and with a change of credentials.

IDENTITY is `same`, `user:UID:GID` or `namespace:UID:GID`; see `become`.

The process id is the program's own: the watcher is its child, never its parent.
"""

import ctypes
import os
import select
import signal
import sys

LAST_WORDS_SECONDS = 5.0
"""How long a program may take over its death signal before SIGKILL."""

# linux/prctl.h, linux/securebits.h, linux/capability.h, linux/sched.h
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522
CLONE_NEWUSER = 0x10000000


def main(lifeline: int, death_signal: int, identity: str, command: list[str]) -> None:
    program = os.getpid()
    alive_reader, alive_writer = os.pipe()
    if os.fork() == 0:
        os.close(alive_writer)
        watch(lifeline, alive_reader, program, death_signal)
        os._exit(0)
    os.close(lifeline)
    os.close(alive_reader)
    # The program and all its descendants hold this end, so the watcher sees when the last is gone.
    os.set_inheritable(alive_writer, True)
    become(identity)
    os.execv(command[0], command)  # noqa: S606 - There is nothing for a shell to expand.


def watch(lifeline: int, alive: int, program: int, death_signal: int) -> None:
    """Wait until the asking process or the program is gone; see that the program is."""
    # Whatever else was handed over (a lock, the log) belongs to the program alone.
    keep = sorted((lifeline, alive))
    os.closerange(0, keep[0])
    os.closerange(keep[0] + 1, keep[1])
    os.closerange(keep[1] + 1, os.sysconf("SC_OPEN_MAX"))
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    select.select([lifeline, alive], [], [])
    for sent in (death_signal, signal.SIGKILL):
        # A watcher whose parent is another has outlived the program, whose id may be anybody's now.
        if os.getppid() != program:
            return
        os.kill(program, sent)
        select.select([alive], [], [], LAST_WORDS_SECONDS)


def become(identity: str) -> None:
    """Stop being root, for a program that refuses to be; raises OSError where that is forbidden.

    `user` changes to that user and keeps one capability, to pass file permissions: what the program
    is made of may lie in a home that only root can search. `namespace` stays the same user outside
    of a new user namespace, and is that user inside.
    """
    how, _, numbers = identity.partition(":")
    if how == "same":
        return
    uid, gid = (int(number) for number in numbers.split(":"))
    if how == "user":
        become_user(uid, gid)
    else:
        become_user_in_a_namespace(uid, gid)


def become_user(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    if sys.platform != "linux":
        os.setuid(uid)
        return
    # The change of user is to take no capability away: neither now, nor in the kernel's access(2),
    # by which PostgreSQL looks for its own binaries, and which else ignores what a user is allowed
    # beyond the file permissions.
    system("prctl", PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setuid(uid)
    # struct __user_cap_header_struct, and two of __user_cap_data_struct: effective, permitted,
    # inheritable. See capset(2).
    mask = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    system("capset", header, data)
    system("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def become_user_in_a_namespace(uid: int, gid: int) -> None:
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    system("unshare", CLONE_NEWUSER)
    # The order of user_namespaces(7): a gid_map may be written only once setgroups is denied.
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{gid} {outer_gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - pathlib doubles the start.
            file.write(line)


def system(name: str, *arguments: object) -> None:
    """Call a function of the C library that Python does not carry."""
    call = getattr(ctypes.CDLL(None, use_errno=True), name)
    longs = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]
    if call(*longs) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
    except OSError as error:
        sys.exit(f"{sys.argv[4]}: {error}")
