"""Requests of `_core` from plain data, which travels to workers."""

from . import _core


def request_of(kind, values):
    """An object of a class of `_core` with these attributes; `experiment` is an ExperimentRequest of its own."""
    request = kind()
    for key, value in values.items():
        setattr(request, key, request_of(_core.ExperimentRequest, value) if key == "experiment" else value)
    return request
