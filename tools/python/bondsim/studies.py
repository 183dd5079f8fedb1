"""Sweeps, validations, serving and the ranking of dataflows."""

import itertools
import json
import os
import tempfile
from builtins import zip as paired

from . import _core, tables
from .experiment import Experiment, yaml_text
from .forms import registered
from .requests import request_of
from .results import Results, ServingResults, Validation
from .workers import call, call_all


def _experiment(experiment):
    return experiment if isinstance(experiment, Experiment) else Experiment(experiment)


def sweep(experiment, values, *, zip=False, workers=None, progress=None, results=False):
    """Simulates an experiment over values of its keys.

    values: {key: [values]}; every combination, the last key fastest, or with zip=True the n-th values together. workers: processes, one a
    processor when left out. Returns a table: the keys, then the figures of each run with their units; `problem` says why a row has none.
    results=True: the table, and the Results of each row (None where infeasible).

    >>> sweep("h2llm-llama3-8b-sharegpt", {"workload.generated_tokens": [1], "workload.bath": [1]})
    Traceback (most recent call last):
    ...
    bondsim._core.ConfigError: --set: workload.bath: ...
    """
    experiment = _experiment(experiment)
    lists = [list(v) for v in values.values()]
    if zip and len({len(v) for v in lists}) > 1:
        raise ValueError(f"sweep: zip=True needs lists of one length, found {[len(v) for v in lists]}")
    points = [dict(paired(values, row)) for row in (paired(*lists) if zip else itertools.product(*lists))]
    requests = [experiment.with_values(point).request() for point in points]
    for request in requests:  # a wrong value is found before anything runs
        try:
            _core.describe(request_of(_core.ExperimentRequest, request))
        except _core.InfeasibleError:
            pass
    answers = call_all("run", [{"request": request} for request in requests], workers, progress)
    runs = [Results(text) if error is None else None for text, error in answers]
    columns = next((list(run.figures) for run in runs if run is not None), [])
    rows = []
    for point, run, (_, error) in paired(points, runs, answers):
        figures = run.figures if run is not None else dict.fromkeys(columns)
        shown = {key: value if isinstance(value, (int, float, str)) else yaml_text(value) for key, value in point.items()}
        rows.append({**shown, **figures, "problem": "" if error is None else str(error)})
    table = tables.from_rows(rows)
    return (table, runs) if results else table


def validate(cases, *, predictions=None, forms=None, samples=3, workers=2, limit_s=600, progress=None):
    """Holds closed forms, or anybody's predictions, against the cycle model.

    cases: an Experiment (its operators and whole steps), or a suite: "quick", "full", "quick_steps", "steps".
    forms: names, or objects with nmp_seconds and npu_seconds (ClosedForm); all of bondsim's when left out and there are no predictions.
    predictions: a table (DataFrame, list of dicts) or a CSV file with `latency_s`, for an experiment beside operator, phase and step.
    samples: decode steps of an experiment. limit_s: seconds of wall time a simulation may take; 0: any. Returns Validation.
    """
    request = {"samples": samples, "jobs": workers, "limit_s": limit_s}
    if isinstance(cases, str) and cases in ("quick", "full", "quick_steps", "steps"):
        request["suite"] = cases
        request["system"] = _core.shipped("configs/system/h2llm.yaml")
    else:
        request["experiment"] = _experiment(cases).request()
    mine = [form for form in forms or [] if not isinstance(form, str)]
    request["forms"] = [form for form in forms or [] if isinstance(form, str)]
    judged = _predicted(request, mine) if mine else []
    with tempfile.TemporaryDirectory() as directory:
        if predictions is not None:
            request["predictions"] = predictions if isinstance(predictions, (str, os.PathLike)) else os.path.join(directory, "predictions.csv")
            request["predictions"] = os.fspath(request["predictions"])
            if not isinstance(predictions, (str, os.PathLike)):
                with open(request["predictions"], "w", encoding="utf-8") as file:
                    file.write(tables.to_csv(predictions))
        return Validation(call("validate", progress, request=request, predictions=judged))


def _predicted(request, forms):
    """Objects of this process are asked here; the simulations are elsewhere."""
    own = {**request, "forms": [registered(form) for form in forms]}
    return _core.predict(request_of(_core.ValidationRequest, own))[1]


def serve(experiment, *, tier="cycle", rate_per_s=None, progress=None):
    """Requests that come and go, as the experiment's serving file and `serving.` values say.

    tier: "cycle" (each iteration simulated), "detailed" (by the closed form), "both" (a sample simulated). rate_per_s: a mean rate instead
    of the file's. Returns ServingResults.
    """
    request = _experiment(experiment).request(serves=True)
    return ServingResults(call("serve", progress, request=request, tier=tier, rate_per_s=rate_per_s))


def dataflows(experiment, *, candidates=(), samples=3, workers=0, progress=None):
    """Ranks dataflows, shipped and found, by estimate and by simulation. Returns a table, the fastest first."""
    options = {"files": [os.fspath(c) for c in candidates], "decode_samples": samples, "jobs": workers}
    answer = call("dataflows", progress, request=_experiment(experiment).request(), options=options)
    return tables.from_csv(json.loads(answer)["table"])
