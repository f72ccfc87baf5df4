"""Processes under measurement: lines they print, memory and CPU as the kernel counts them.

Every process started here is ended by its own pid, whatever happens.
"""

import contextlib
import pathlib
import queue
import signal
import subprocess
import threading
import time


class Failed(Exception):
    """A process did not do what the protocol asks of it."""


class Process:
    """A running program, its lines, and what /proc says about it."""

    def __init__(self, name, command, log):
        self.name = name
        self._log_path = pathlib.Path(log.name)
        self._popen = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        self.pid = self._popen.pid
        self._proc = pathlib.Path("/proc") / str(self.pid)
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._popen.stdout:
            self._lines.put(line.strip())
        self._lines.put(None)

    def expect(self, word, timeout):
        """The fields of the next line that begins with `word`, as a dict; other lines are skipped."""
        deadline = time.monotonic() + timeout
        while True:
            first, *rest = self.line(max(0, deadline - time.monotonic()), word).split() or [""]
            if first == word:
                return rest

    def line(self, timeout, what="line"):
        """The next line."""
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise self._failure(f"no {what} in time") from None
        if line is None:
            raise self._failure(f"ended before {what}")
        return line

    def _failure(self, what):
        tail = "\n".join(self._log_path.read_text(errors="replace").splitlines()[-40:])
        return Failed(f"{self.name}: {what}\n{tail}".rstrip())

    def ask(self, signal_number, word, timeout=120):
        """Sends a signal and waits for the answer."""
        self._popen.send_signal(signal_number)
        return self.expect(word, timeout)

    def rss(self):
        """Resident bytes."""
        return self._status("VmRSS")

    def peak(self):
        """The most resident bytes since `reset_peak`."""
        return self._status("VmHWM")

    def reset_peak(self):
        """Starts a new measurement of the peak."""
        (self._proc / "clear_refs").write_text("5")

    def _status(self, key):
        for line in (self._proc / "status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
        raise self._failure(f"has no {key}: has it ended?")

    def cpu(self):
        """CPU seconds of all threads, ended ones included, to the nanosecond."""
        per_process_clock = (~self.pid << 3) | 2  # what clock_getcpuclockid(3) computes
        return time.clock_gettime(per_process_clock)

    def wait_idle(self, timeout, quiet=1.0, share=0.03):
        """Returns once the process used less than `share` of a CPU for `quiet` seconds."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            before = self.cpu()
            time.sleep(quiet)
            if self.cpu() - before < share * quiet:
                return
        raise self._failure(f"still busy after {timeout:.0f} s")

    def alive(self):
        """Whether it hasn't ended by itself."""
        return self._popen.poll() is None

    def end(self):
        """Ends the process, by force if it does not listen."""
        self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(5)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


@contextlib.contextmanager
def running(name, command, log_folder):
    """A process for the duration of a block; its stderr goes to a file."""
    with open(log_folder / f"{name}.log", "w", encoding="utf-8") as log:
        process = Process(name, [str(part) for part in command], log)
        try:
            yield process
        finally:
            process.end()
