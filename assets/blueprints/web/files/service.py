"""Keeps a program of /srv/web running without an init system: service.py start|stop|restart|status NAME

NAME.py is started detached with NAME.json as its argument. It runs for as long as NAME.lock is locked: the
program inherits the lock, so that no process number of an earlier boot is ever mistaken for it.
"""

import fcntl
import os
import signal
import sys
import time

HOME = "/srv/web"


def path(name, kind):
    return os.path.join(HOME, name + "." + kind)


def lock(name):
    """The locked file when the program does not run, None when it does."""
    file = open(path(name, "lock"), "a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file
    except BlockingIOError:
        return None


def start(name):
    held = lock(name)
    if held is None:
        return print(name, "is running already")
    if os.fork() == 0:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        os.chdir("/")
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        os.set_inheritable(held.fileno(), True)
        log = os.open(path(name, "log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.execv(sys.executable, [sys.executable, path(name, "py"), path(name, "json")])
    os.wait()
    print(name, "started")


def stop(name):
    for number in [signal.SIGTERM] + [None] * 30 + [signal.SIGKILL] + [None] * 30:
        if lock(name) is not None:
            return print(name, "stopped")
        if number is not None:
            with open(path(name, "lock")) as file:
                os.kill(int(file.read() or 0) or sys.exit("no process number"), number)
        time.sleep(0.1)
    sys.exit(name + " does not stop")


def status(name):
    print(name, "is running already" if lock(name) is None else "is stopped")


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("start", "stop", "restart", "status"):
        sys.exit(__doc__)
    verb, name = sys.argv[1:]
    if verb in ("stop", "restart"):
        stop(name)
    if verb in ("start", "restart"):
        start(name)
    if verb == "status":
        status(name)


main()
