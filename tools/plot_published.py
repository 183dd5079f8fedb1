#!/usr/bin/env python3
"""Ours beside what others published, from the published.csv of `bondsim validate --published`: published.svg and published.png beside it.

usage: plot_published.py DIRECTORY
"""
import csv
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402  (the backend must be chosen first)

# Distinguishable for colour-blind readers (Okabe and Ito, 2008).
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise SystemExit(f"{path}: no rows")
    return rows


def draw(rows, directory):
    targets = list(dict.fromkeys(row["target"] for row in rows))
    figure, axes = plt.subplots(figsize=(8.5, 1.2 + 0.34 * len(rows)), constrained_layout=True)
    axes.axvline(1, color="0.3", linewidth=0.9, zorder=1)
    for y, row in enumerate(rows):
        least, most, ratio = float(row["least"]), float(row["most"]), float(row["ratio"])
        colour = COLOURS[targets.index(row["target"]) % len(COLOURS)]
        axes.plot([least, most], [y, y], color="0.8", linewidth=7, solid_capstyle="butt", zorder=1)
        axes.scatter([ratio], [y], color=colour, marker="o" if row["kept"] == "yes" else "X", s=40, zorder=3)
        axes.annotate(f"{ratio:.3f}", (ratio, y), textcoords="offset points", xytext=(7, 3), fontsize=7, color=colour)
    axes.set_yticks(range(len(rows)), [f"{row['target']}: {row['figure']}" for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("ours over the published number; grey: allowed; a cross: past it")
    axes.grid(axis="x", color="0.9", zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    for suffix in ("svg", "png"):
        figure.savefig(directory / f"published.{suffix}", dpi=150)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    directory = pathlib.Path(sys.argv[1])
    draw(read(directory / "published.csv"), directory)


if __name__ == "__main__":
    main()
