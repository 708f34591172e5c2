# Writes what happens in a playbook as one JSON object a line, for Quarterdeck.
#
# A callback of type notification: the user's own stdout callback stays. Each event carries the size of the
# output file, so that it knows its lines. Nothing here may stop a play: whatever goes wrong is swallowed.

from __future__ import annotations

import atexit
import functools
import json
import os
import re
import sys
import time

from ansible.playbook.block import Block
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: quarterdeck_events
    type: notification
    short_description: events of a playbook as JSON lines
    description:
      - Appends one JSON object a line to the file that the variable QUARTERDECK_EVENTS names.
"""

LIMIT_MSG = 4 * 1024
LIMIT_DETAIL = 16 * 1024
LIMIT_NAME = 512
CENSORED = "censored: no_log"
# The ssh client writes it when a terminal was asked for.
CLOSED = re.compile(r"Shared connection to \S+ closed\.\r?")


def careful(method):
    """A method that never raises. What it met is left in the events as one of an unknown kind."""

    @functools.wraps(method)
    def guarded(self, *args, **kwargs):
        try:
            method(self, *args, **kwargs)
        except Exception as ex:
            try:
                self._write("trouble", where=method.__name__, what=text(repr(ex), LIMIT_NAME))
            except Exception:
                pass

    return guarded


def text(value, limit):
    """A string that is UTF-8 and not too long; what is no string is shown as JSON."""
    if value is None:
        return ""
    if not isinstance(value, str):
        try:
            value = json.dumps(value, default=str, ensure_ascii=False)
        except Exception:
            value = str(value)
    if len(value) > limit:
        value = value[:limit] + "… (cut)"
    return value.encode("utf-8", "replace").decode("utf-8")


def result_of(result):
    """The dictionary of a result; its attribute was renamed in ansible-core 2.19."""
    found = getattr(result, "result", None)
    return (found if found is not None else getattr(result, "_result", None)) or {}


def task_of(result):
    return getattr(result, "task", None) or result._task


def host_of(result):
    return (getattr(result, "host", None) or result._host).get_name()


def says_no_log(task):
    # Before it is templated it may be a string; then the result decides, and the task counts as censored.
    return bool(getattr(task, "no_log", False))


def is_censored(result, data):
    fields = getattr(result, "task_fields", None) or getattr(result, "_task_fields", None) or {}
    no_log = fields.get("no_log", getattr(task_of(result), "no_log", False))
    return bool(data.get("_ansible_no_log")) or "censored" in data or no_log is True


def is_rescued(task):
    """Whether a failure of this task is met by a rescue section."""
    node, parent = task, getattr(task, "_parent", None)
    while parent is not None:
        if isinstance(parent, Block) and parent.rescue:
            if any(getattr(inner, "_uuid", None) == node._uuid for inner in parent.block):
                return True
        node, parent = parent, getattr(parent, "_parent", None)
    return False


def short_action(action):
    for prefix in ("ansible.builtin.", "ansible.legacy."):
        if action.startswith(prefix):
            return action[len(prefix):]
    return action


def message(data, task):
    """The message of a failure, or what `debug` printed."""
    if task.action in ("debug", "ansible.builtin.debug", "ansible.legacy.debug") and not data.get("failed"):
        if "msg" in data:
            return data["msg"]
        hidden = ("changed", "failed", "skipped", "skip_reason", "invocation")
        return {k: v for k, v in data.items() if k not in hidden and not k.startswith("_ansible")}
    if data.get("rc") and data.get("msg") in (None, "", "non-zero return code"):
        # What the command itself said last is the reason; Ansible says the same of all of them.
        last = [line for part in written(data) for line in part.splitlines()[-1:]]
        return ": ".join([f"exit status {data['rc']}"] + last[:1])
    for key in ("msg", "module_stderr", "stderr", "reason", "stdout"):
        if data.get(key):
            return data[key]
    return ""


def written(data):
    """What a command wrote: stderr, then stdout, without what the ssh client adds on its way out."""
    parts = []
    for key in ("stderr", "module_stderr", "stdout", "module_stdout"):
        value = data.get(key)
        if isinstance(value, str):
            value = "\n".join(line for line in value.rstrip().splitlines() if not CLOSED.fullmatch(line))
            if value and value not in parts:
                parts.append(value)
    return parts


def detail(data):
    """stderr, stdout and traceback of a failure."""
    trace = data.get("exception")
    known = isinstance(trace, str) and trace.strip() not in ("", "(traceback unavailable)")
    return "\n".join(written(data) + ([trace.rstrip()] if known else []))


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "quarterdeck_events"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._file = None
        self._torn = False
        self._pid = os.getpid()
        self._begun = False
        self._tasks = set()
        self._started = {}
        self._ignored_changes = {}
        path = os.environ.get("QUARTERDECK_EVENTS")
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            # An interrupted playbook has no statistics; it has an end all the same.
            atexit.register(self._at_exit)
        except Exception:
            self.disabled = True

    # --- writing ---

    def _write(self, event, **data):
        # Buffered output must be in the file before its size means anything.
        try:
            sys.stdout.flush()
            offset = os.fstat(1).st_size
        except Exception:
            offset = 0
        data.update(event=event, at=int(time.time() * 1000), offset=offset)
        line = json.dumps(data, separators=(",", ":")).encode("ascii") + b"\n"
        if self._torn:
            line = b"\n" + line
        # In one call, so that a reader never meets half a line unless the disk is full.
        try:
            self._torn = os.write(self._file, line) != len(line)
        except OSError:
            pass

    def _at_exit(self):
        if self._begun and os.getpid() == self._pid:
            self._begun = False
            try:
                self._write("end")
            except Exception:
                pass

    # --- playbook, plays, tasks ---

    @careful
    def v2_playbook_on_start(self, playbook):
        self._begun = True
        self._write("playbook", name=text(os.path.basename(playbook._file_name), LIMIT_NAME))

    @careful
    def v2_playbook_on_play_start(self, play):
        self._tasks = set()
        try:
            inventory = play.get_variable_manager()._inventory
            hosts = [host.get_name() for host in inventory.get_hosts(play.hosts, order=play.order)]
        except Exception:
            hosts = []
        self._write("play", id=str(play._uuid), name=text(play.get_name().strip(), LIMIT_NAME), hosts=hosts)

    @careful
    def v2_playbook_on_task_start(self, task, is_conditional):
        self._task(task, False)

    @careful
    def v2_playbook_on_handler_task_start(self, task):
        self._task(task, True)

    def _task(self, task, handler):
        # Strategy `free` tells it once a host. A handler may truly run again.
        if task._uuid in self._tasks and not handler:
            return
        self._tasks.add(task._uuid)
        self._write(
            "task",
            id=str(task._uuid),
            name=text(task.get_name().strip(), LIMIT_NAME),
            action=short_action(str(task.action)),
            handler=handler,
            no_log=says_no_log(task),
            path=text(task.get_path() or "", LIMIT_NAME),
        )

    # --- hosts ---

    @careful
    def v2_runner_on_start(self, host, task):
        self._started[(task._uuid, host.get_name())] = time.monotonic()
        self._write("start", task=str(task._uuid), host=host.get_name())

    @careful
    def v2_runner_on_ok(self, result):
        data = result_of(result)
        self._result(result, "changed" if data.get("changed") else "ok")

    @careful
    def v2_runner_on_failed(self, result, ignore_errors=False):
        if ignore_errors and result_of(result).get("changed"):
            host = host_of(result)
            self._ignored_changes[host] = self._ignored_changes.get(host, 0) + 1
        goes_on = ignore_errors or is_rescued(task_of(result))
        self._result(result, "ignored" if goes_on else "failed")

    @careful
    def v2_runner_on_skipped(self, result):
        self._result(result, "skipped")

    @careful
    def v2_runner_on_unreachable(self, result):
        ignored = bool(getattr(task_of(result), "ignore_unreachable", False))
        self._result(result, "ignored" if ignored else "unreachable")

    def _result(self, result, outcome):
        task, host, data = task_of(result), host_of(result), result_of(result)
        began = self._started.pop((task._uuid, host), None)
        took = int((time.monotonic() - began) * 1000) if began is not None else 0
        event = {"task": str(task._uuid), "host": host, "outcome": outcome, "took": took}
        bad = outcome in ("failed", "ignored", "unreachable")
        if bad or "debug" in str(task.action):
            if is_censored(result, data):
                event["msg"] = CENSORED
            else:
                event["msg"] = text(message(data, task), LIMIT_MSG)
                if bad:
                    event["detail"] = text(detail(data), LIMIT_DETAIL)
        self._write("result", **event)

    @careful
    def v2_runner_item_on_ok(self, result):
        self._item(result, "changed" if result_of(result).get("changed") else "ok")

    @careful
    def v2_runner_item_on_failed(self, result):
        data = result_of(result)
        ignored = getattr(task_of(result), "ignore_errors", False) is True
        self._item(result, "unreachable" if data.get("unreachable") else "ignored" if ignored else "failed")

    @careful
    def v2_runner_item_on_skipped(self, result):
        self._item(result, "skipped")

    def _item(self, result, outcome):
        task, data = task_of(result), result_of(result)
        event = {"task": str(task._uuid), "host": host_of(result), "outcome": outcome}
        if is_censored(result, data):
            event.update(label=CENSORED, msg="")
        else:
            label = data.get("_ansible_item_label", data.get(data.get("ansible_loop_var", "item")))
            wanted = outcome in ("failed", "ignored", "unreachable") or "debug" in str(task.action)
            msg = text(message(data, task), LIMIT_MSG) if wanted else ""
            event.update(label=text(label, LIMIT_NAME), msg=msg)
        self._write("item", **event)

    @careful
    def v2_runner_retry(self, result):
        data = result_of(result)
        attempt = int(data.get("attempts") or 0)
        left = max(0, int(data.get("retries") or 0) - attempt)
        self._write("retry", task=str(task_of(result)._uuid), host=host_of(result), attempt=attempt, left=left)

    # --- end ---

    @careful
    def v2_playbook_on_stats(self, stats):
        for host in sorted(stats.processed):
            count = stats.summarize(host)
            # Ansible counts a change and an ignored failure as ok, too, and the change of an ignored failure as
            # changed; here each result counts once.
            ignored = count.get("ignored", 0)
            changed = count["changed"] - self._ignored_changes.pop(host, 0)
            self._write("stats", host=host, totals={
                "ok": max(0, count["ok"] - changed - ignored), "changed": changed, "failed": count["failures"],
                "unreachable": count["unreachable"], "skipped": count["skipped"],
                "ignored": ignored + count.get("rescued", 0),
            })
        self._begun = False
        self._write("end")
