"""Searches over design spaces, by asking and telling."""

from . import _core, tables
from .forms import registered


class Space:
    """A design space, by path or by the name of a shipped one, and its search as the file describes it (exhaustive, nsga2, ant_colony).
    The caller judges:

    >>> space = Space("h2llm-decode")
    >>> first = space.ask()[0]
    >>> first["channels.nmp"] in ("2", "4", "6", "8")
    True
    >>> metrics, infeasible = space.evaluate(first, "roofline-ideal")
    >>> space.tell(first, metrics, infeasible)

    A candidate is a dict of keys and values, which Experiment.with_values takes. Equal answers give equal questions.
    """

    def __init__(self, file):
        self._core = _core.Space(str(file))
        self._texts = {}
        self.name = self._core.name
        self.size = self._core.size
        self.objectives = self._core.objectives

    def ask(self):
        """Candidates that wait to be told; an empty list: the search has ended."""
        texts = self._core.ask()
        out = [dict(self._core.settings(text)) for text in texts]
        self._texts.update((_key(c), text) for c, text in zip(out, texts))
        return out

    def tell(self, candidate, metrics=None, infeasible=""):
        """metrics: every objective by name, smaller is better, and any others. infeasible: why there are none."""
        self._core.tell(self._text(candidate), {k: float(v) for k, v in (metrics or {}).items()}, infeasible)

    def evaluate(self, candidate, form="detailed"):
        """(metrics, why it is infeasible) by a closed form with the best dataflow under it: what the analytical tier of dse says."""
        return self._core.evaluate(self._text(candidate), registered(form))

    def settings(self, candidate):
        return dict(self._core.settings(self._text(candidate)))

    def front(self):
        """Table of the undominated candidates told so far."""
        return tables.from_rows({**dict(self._core.settings(text)), **metrics} for text, metrics in self._core.front())

    def _text(self, candidate):
        if isinstance(candidate, str):
            return candidate
        text = self._texts.get(_key(candidate))
        return text if text is not None else " ".join(f"{k}={v}" for k, v in candidate.items())

    def __repr__(self):
        return f"Space({self.name!r}): {self.size} candidates, minimises {', '.join(self.objectives)}"


def _key(candidate):
    return tuple(candidate.items())


def dse(space, form="detailed", progress=None):
    """Searches a space under a closed form, bondsim's or one's own. Returns the front's table.
    The command `bondsim dse` does the same in parallel, resumes, and confirms by cycles."""
    from .progress import Bar
    space = space if isinstance(space, Space) else Space(space)
    name = registered(form)
    with Bar(progress) as bar:
        done = 0
        while batch := space.ask():
            for candidate in batch:
                metrics, infeasible = space.evaluate(candidate, name)
                space.tell(candidate, metrics, infeasible)
                done += 1
                bar.show(done, 0)
    return space.front()
