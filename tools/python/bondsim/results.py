"""What runs, estimates, serving runs and validations give back."""

import json

from . import _core, tables


class Phase:
    """Prefill or decode by itself: time_s, tokens, tokens_per_s, energy_j, energy_per_token_j, limiter (a sentence)."""

    def __init__(self, values):
        self._values = values
        self.time_s = values["time_s"]
        self.tokens = values["tokens"]
        self.tokens_per_s = values["tokens_per_s"]
        self.energy_j = values["energy_j"]
        self.energy_per_token_j = values["energy_per_token_j"]
        self.limiter = values.get("limiter", "")

    @property
    def bound(self):
        """Who is busy most of the time, and with what: executor, busy_share, part, part_share."""
        return self._values["bound"]

    @property
    def speed_of_light(self):
        """Table: what each unit did, of what peak, the share it reached."""
        return tables.from_rows(self._values["speed_of_light"])

    @property
    def slowest_channel(self):
        """name, busy_s, and by how much it is above the mean of its kind; None without such channels."""
        return self._values.get("slowest_channel")

    def __repr__(self):
        return (f"{self.time_s * 1e3:.3f} ms, {self.tokens} tokens, {self.tokens_per_s:.2f} tokens/s, {self.energy_j:.4f} J, "
                f"{self.energy_per_token_j * 1e3:.3f} mJ/token")


class _Json:
    """json: results.json, as the command writes it, decoded; text: the same as text."""

    def __init__(self, text):
        self.text = text
        self.json = json.loads(text)

    def __getitem__(self, key):
        return self.json[key]


class Results(_Json):
    """A simulated run. All of results.json under `json`; what is asked for most has a name of its own."""

    @property
    def total_s(self):
        return self.json["latency_s"]["total"]

    @property
    def prefill(self):
        return Phase(self.json["phases"]["prefill"])

    @property
    def decode(self):
        return Phase(self.json["phases"]["decode"])

    @property
    def step_latency_s(self):
        """Seconds of each decode step."""
        return self.json.get("step_latency_s") or []

    @property
    def energy_j(self):
        """Joules by component, at the maximum currents of the DRAM; `total` besides."""
        return {**self.json["energy_j"]["components"], "total": self.json["energy_j"]["total"]}

    @property
    def operators(self):
        """Table of operators by phase: count, busy_s (rows of a phase sum to its time), span_s, energy_j, macs, bytes."""
        return tables.from_rows({k: v for k, v in row.items() if k != "energy_components_j"} for row in self.json["operators"])

    @property
    def channels(self):
        """Table of channels: bytes, energy_j, seconds of each part of the time."""
        return tables.from_rows({"name": c["name"], "kind": c["kind"], "bytes_read": c["bytes_read"], "bytes_written": c["bytes_written"],
                                 "energy_j": c["energy_j"], **{f"{part}_s": s for part, s in c["time_s"].items()}}
                                for c in self.json["channels"])

    @property
    def config(self):
        """Values of the configuration by key."""
        return {v["key"]: v["value"] for v in self.json["config"]["values"]}

    @property
    def figures(self):
        """What sweeps keep of a run, by name with unit; `decode_bound` besides."""
        figures, bound = _core.figures(self.text)
        return {**dict(figures), "decode_bound": bound}

    @property
    def summary(self):
        """As `bondsim run` prints it."""
        return _core.summary(self.text)

    def save(self, directory):
        """Writes results.json, operators.csv and channels.csv, which `bondsim report` and the plot scripts read. Returns the names."""
        return _core.save(self.text, str(directory))

    def __repr__(self):
        j = self.json
        return (f"{j['model']} on {j['system']}, dataflow {j['dataflow']}: {self.total_s:.6g} s, {self.energy_j['total']:.6g} J\n"
                f"  prefill  {self.prefill!r}\n  decode   {self.decode!r}")

    def _repr_html_(self):
        j = self.json
        rows = [{"": name, "ms": phase.time_s * 1e3, "tokens": phase.tokens, "tokens/s": phase.tokens_per_s, "J": phase.energy_j,
                 "mJ/token": phase.energy_per_token_j * 1e3, "limited by": phase.limiter}
                for name, phase in (("prefill", self.prefill), ("decode", self.decode))]
        return tables.to_html(rows, f"{j['model']} on {j['system']}, dataflow {j['dataflow']}")


class Estimate(_Json):
    """The same by a closed form; latencies and energies, nothing simulated."""

    @property
    def total_s(self):
        return self.json["latency_s"]["total"]

    @property
    def prefill_s(self):
        return self.json["latency_s"]["prefill"]

    @property
    def decode_s(self):
        return self.json["latency_s"]["decode"]

    def __repr__(self):
        return f"estimate: prefill {self.prefill_s:.6g} s, decode {self.decode_s:.6g} s, {self.json['energy_j']['total']:.6g} J"


class ServingResults:
    """Requests that came and went: json (serving.json), requests and iterations (tables, times in ns as their names say), summary."""

    def __init__(self, answer):
        values = json.loads(answer)
        self.json = values["serving"]
        self.requests = tables.from_csv(values["requests"])
        self.iterations = tables.from_csv(values["iterations"])
        self.summary = values["summary"]

    def __getitem__(self, key):
        return self.json[key]

    def __repr__(self):
        return self.summary


class Validation:
    """Closed forms or predictions beside the cycle model: table (a row a case), accuracy (a row a form), summary."""

    def __init__(self, answer):
        values = json.loads(answer)
        self.table = tables.from_csv(values["table"])
        self.accuracy = tables.from_csv(values["accuracy"])
        self.summary = values["text"]

    def __repr__(self):
        return self.summary

    def _repr_html_(self):
        return tables.to_html(self.accuracy, "against the cycle model")
