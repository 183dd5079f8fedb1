#!/usr/bin/env python3
"""Predicted against simulated latency, from the validate.csv of `bondsim validate`: validate.svg and validate.png beside it.

usage: plot_validate.py DIRECTORY
"""
import csv
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402  (the backend must be chosen first)

SUFFIX = "_latency_s"
# Distinguishable for colour-blind readers (Okabe and Ito, 2008).
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
MARKERS = ["o", "^", "s", "v", "D", "P"]


def read(path):
    """{form: [(simulated, predicted), ...]} in seconds, the most accurate form first."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise SystemExit(f"{path}: no rows")
    forms = [c[: -len(SUFFIX)] for c in rows[0] if c.endswith(SUFFIX) and c != "cycle" + SUFFIX]
    points = {
        form: [
            (float(row["cycle" + SUFFIX]), float(row[form + SUFFIX]))
            for row in rows
            if row["cycle" + SUFFIX] and row[form + SUFFIX]
        ]
        for form in forms
    }
    points = {form: values for form, values in points.items() if values}
    return dict(sorted(points.items(), key=lambda item: mape(item[1])))


def mape(points):
    return 100 * sum(abs(predicted / simulated - 1) for simulated, predicted in points) / len(points)


def draw(points, path):
    simulated = [1e6 * s for pairs in points.values() for s, _ in pairs]
    predicted = [1e6 * p for pairs in points.values() for _, p in pairs]
    across = [min(simulated) / 1.6, max(simulated) * 1.6]
    upward = [min(predicted) / 1.6, max(predicted) * 1.6]
    line = [min(across[0], upward[0]), max(across[1], upward[1])]
    figure, axes = plt.subplots(figsize=(6.0, 6.4), constrained_layout=True)
    axes.fill_between(line, [0.9 * v for v in line], [1.1 * v for v in line], color="0.85", linewidth=0, zorder=1, label="within 10 %")
    axes.plot(line, line, color="0.3", linewidth=0.9, zorder=2, label="equal")
    # The most accurate form on top.
    for i, (form, pairs) in reversed(list(enumerate(points.items()))):
        axes.scatter(
            [1e6 * simulated for simulated, _ in pairs],
            [1e6 * predicted for _, predicted in pairs],
            s=18 if len(pairs) < 100 else 11,
            marker=MARKERS[i % len(MARKERS)],
            color=COLOURS[i % len(COLOURS)],
            alpha=0.75 if len(pairs) < 100 else 0.45,
            linewidths=0,
            zorder=3 + len(points) - i,
            label=f"{form}: {len(pairs)} points, MAPE {mape(pairs):.2g} %",
        )
    axes.set(xscale="log", yscale="log", xlim=across, ylim=upward, aspect="equal")
    axes.set_xlabel("cycle model, microseconds")
    axes.set_ylabel("closed form, microseconds")
    axes.grid(True, which="major", color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
    handles, labels = axes.get_legend_handles_labels()
    legend = axes.legend(handles[::-1], labels[::-1], loc="upper left", fontsize=8, framealpha=0.95, edgecolor="0.8")
    # matplotlib 3.7 renamed it.
    for handle in getattr(legend, "legend_handles", None) or legend.legendHandles:
        handle.set_alpha(1)
    plt.rcParams["svg.hashsalt"] = "bondsim"  # the same figure, the same bytes
    figure.savefig(path / "validate.svg", metadata={"Date": None})
    figure.savefig(path / "validate.png", dpi=160)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    directory = pathlib.Path(sys.argv[1])
    points = read(directory / "validate.csv")
    if not points:
        raise SystemExit(f"{directory}: no row has both a cycle result and a prediction")
    draw(points, directory)


if __name__ == "__main__":
    main()
