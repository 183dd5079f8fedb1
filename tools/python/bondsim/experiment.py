"""Experiments: files and values that replace theirs."""

import json
import os

from . import _core
from .requests import request_of
from .workers import call

_PARTS = ("model", "workload", "dataflow", "serving", "tiling")


def yaml_text(value):
    """A value as `--set` takes it.

    >>> yaml_text(True), yaml_text([1, 2]), yaml_text({"default": "int4_g128"}), yaml_text(0.5)
    ('true', '[1, 2]', '{default: int4_g128}', '0.5')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {yaml_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(yaml_text(v) for v in value) + "]"
    if hasattr(value, "item"):  # a number of NumPy or pandas
        return yaml_text(value.item())
    return value if isinstance(value, str) else repr(value)


class Experiment:
    """A system, a model, a workload and a dataflow.

    file: an experiment or system file, by path or by the name of a shipped one; model, workload, dataflow, serving, tiling: files that
    replace what it names. Values are read and replaced by their key:

    >>> e = Experiment("h2llm-llama3-8b-sharegpt")
    >>> e["system.nmp.pe.fpus"]
    '8'
    >>> e["system.nmp.pe.fpus"] = 4
    >>> e["system.nmp.pe.fpus"], e.overrides
    ('4', {'system.nmp.pe.fpus': '4'})
    >>> e["system.nmp.pe.fpu"] = 4
    Traceback (most recent call last):
    ...
    bondsim._core.ConfigError: --set: system.nmp.pe.fpu: ...
    """

    def __init__(self, file, *, model="", workload="", dataflow="", serving="", tiling="", allow_illegal=False, **values):
        self.file = os.fspath(file)
        self.parts = {p: os.fspath(v) for p, v in zip(_PARTS, (model, workload, dataflow, serving, tiling)) if v}
        self.allow_illegal = allow_illegal
        self.overrides = {}
        self._described = {}
        for key, value in values.items():
            raise TypeError(f"Experiment: {key}={value!r} is no argument; values are set by key: e['system.nmp.pe.fpus'] = 4")

    def copy(self):
        """The same experiment, to be changed on its own."""
        other = Experiment(self.file, **self.parts, allow_illegal=self.allow_illegal)
        other.overrides = dict(self.overrides)
        return other

    def with_values(self, values):
        """A copy with some values replaced."""
        other = self.copy()
        other.overrides.update({key: yaml_text(value) for key, value in values.items()})
        return other

    def request(self, serves=False):
        """What the worker is asked for, in plain data. A run has no serving values, and a serving run no workload."""
        other = "workload" if serves else "serving"
        return {"file": self.file, **{p: v for p, v in self.parts.items() if p != other}, "serves": serves,
                "allow_illegal": self.allow_illegal,
                "overrides": [f"{key}={value}" for key, value in self.overrides.items() if not key.startswith(other + ".")]}

    def describe(self, serves=False):
        """Names of the parts, files, digest, and all values with unit, meaning and source. Raises ConfigError, InfeasibleError."""
        state = (serves, tuple(self.overrides.items()))
        if state not in self._described:
            self._described = {state: json.loads(_core.describe(request_of(_core.ExperimentRequest, self.request(serves))))}
        return self._described[state]

    def values(self, serves=False):
        """All values of the configuration, a dict a value: key, value, unit, meaning, where, source, confidence."""
        return self.describe(serves)["values"]

    def __getitem__(self, key):
        for value in self.describe(key.startswith("serving."))["values"]:
            if value["key"] == key:
                return value["value"]
        raise KeyError(f"{key}: is no value of {self.file}; bondsim.schema({key.split('.')[0]!r}) lists the keys")

    def __setitem__(self, key, value):
        before = dict(self.overrides)
        self.overrides[key] = yaml_text(value)
        try:
            self.describe(key.startswith("serving."))
        except _core.ConfigError:
            self.overrides = before
            raise
        except _core.InfeasibleError:
            pass  # another value may make it feasible again; run() says it

    def __delitem__(self, key):
        """Back to the value of the file."""
        del self.overrides[key]

    def __repr__(self):
        changed = "".join(f", {key}={value}" for key, value in self.overrides.items())
        return f"Experiment({self.file!r}{''.join(f', {p}={v!r}' for p, v in self.parts.items())}{changed})"

    def run(self, progress=None):
        """Simulates. progress: True or False; left out, a bar is shown in a terminal and in a notebook. Returns Results."""
        from .results import Results
        return Results(call("run", progress, request=self.request()))

    def estimate(self, form="detailed"):
        """The same by a closed form, within a second. Returns Estimate."""
        from .results import Estimate
        return Estimate(call("estimate", False, request=self.request(), form=form))

    def serve(self, tier="cycle", rate_per_s=None, progress=None):
        """Requests that come and go, as the serving file says; see bondsim.serve()."""
        from .studies import serve
        return serve(self, tier=tier, rate_per_s=rate_per_s, progress=progress)


def configs(kind=None):
    """Names of the shipped configurations with a sentence each.

    >>> "h2llm-llama3-8b-sharegpt" in configs("experiment")
    True
    """
    out = {}
    for name in [kind] if kind else _core.schema_names():
        folder = _core.shipped(os.path.join("configs", _core.config_folder(name)))
        for file in sorted(os.listdir(folder)):
            if file.endswith(".yaml"):
                out[file[:-5]] = _core.first_comment(os.path.join(folder, file))
    return out


def configs_directory():
    """The folder of the shipped configurations."""
    return _core.shipped("configs")


def schema(kind):
    """Every key of a kind of file: what is allowed, unit, default, meaning."""
    return _core.schema_text(kind)
