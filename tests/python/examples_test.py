"""Runs the notebooks of tools/python/examples: each code cell, one after the other, in one namespace."""

import glob
import json
import os

import pytest

NOTEBOOKS = sorted(glob.glob(os.path.join(os.environ["BONDSIM_SOURCE"], "tools/python/examples/*.ipynb")))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=os.path.basename)
def test_notebook_runs(notebook, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib").use("Agg")
    monkeypatch.chdir(tmp_path)
    with open(notebook, encoding="utf-8") as file:
        cells = [c for c in json.load(file)["cells"] if c["cell_type"] == "code"]
    assert cells
    names = {}
    for number, cell in enumerate(cells):
        assert not cell["outputs"], "a notebook is kept without outputs, which say what some machine gave once"
        exec(compile("".join(cell["source"]), f"{os.path.basename(notebook)}, cell {number}", "exec"), names)


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 2
