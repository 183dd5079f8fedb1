"""A line of progress: in a terminal and in a notebook, and only for what takes longer than half a second."""

import sys
import time


def _notebook():
    """The handle by which a notebook's output is replaced; None elsewhere."""
    shell = sys.modules.get("IPython")
    instance = shell.get_ipython() if shell else None
    if instance is None or not hasattr(instance, "kernel"):
        return None
    from IPython.display import display
    return display(_Line(""), display_id=True)


class _Line:
    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


class Bar:
    """wanted: True, False, or None: where standard error is a terminal, and in a notebook."""

    def __init__(self, wanted=None):
        self._handle = _notebook() if wanted is not False else None
        self._wanted = wanted is True or (wanted is None and (self._handle is not None or sys.stderr.isatty()))
        self._began = time.monotonic()
        self._shown = 0.0

    def show(self, done, total):
        now = time.monotonic() - self._began
        if not self._wanted or now < 0.5 or now < self._shown + 0.1:
            return
        self._shown = now
        text = f"{done}"
        if total > 0:
            filled = 30 * done // total
            left = f", {now * (total - done) / done:.0f} s left" if done else ""
            text = f"[{'#' * filled}{'.' * (30 - filled)}] {done}/{total}{left}"
        if self._handle is not None:
            self._handle.update(_Line(text))
        else:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._shown and self._handle is None:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        elif self._handle is not None:
            self._handle.update(_Line(""))
