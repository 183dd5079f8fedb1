"""What the figures of tools/plot_*.py share: reading a run's results, colours, sizes, saving."""
import argparse
import csv
import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
COLUMN = 3.4  # inches: one column of a two-column paper
PAGE = 7.0

plt.rcParams.update({
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "xtick.labelsize": 7.5, "ytick.labelsize": 7.5, "legend.fontsize": 7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "axes.axisbelow": True, "grid.color": "#e3e7eb", "grid.linewidth": 0.6, "legend.frameon": False, "legend.handlelength": 1.1,
    "legend.columnspacing": 1.0, "legend.handletextpad": 0.5, "pdf.fonttype": 42, "figure.dpi": 100, "savefig.dpi": 300,
})


def palette():
    """The report's own colours and names."""
    text = (HERE / "report" / "script" / "palette_data.js").read_text()
    return json.loads(text[text.index("{"):text.rindex("}") + 1])


def arguments(description, default_name):
    """Directories of `bondsim run --out`, and where the figure goes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("directories", metavar="DIR", nargs="+", help="output directory of bondsim run --out")
    parser.add_argument("--out", default=default_name, help="name of the figure without its ending (default: %(default)s)")
    parser.add_argument("--labels", help="names of the runs, separated by commas (default: names of the directories)")
    options = parser.parse_args()
    options.directories = [pathlib.Path(directory) for directory in options.directories]
    options.names = options.labels.split(",") if options.labels else [directory.resolve().name for directory in options.directories]
    if len(options.names) != len(options.directories):
        parser.error(f"--labels: {len(options.names)} names found, allowed: one for each of the {len(options.directories)} directories")
    return options


def fail(message):
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {message}")


def results(directory):
    path = directory / "results.json"
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        fail(f"{path}: {error}")
    if found.get("schema") != "bondsim.results/2":
        fail(f"{path}: schema: {found.get('schema')!r} found, allowed: 'bondsim.results/2'")
    return found


def rows(directory, name):
    """Rows of a CSV of the run, numbers as numbers."""
    def value(text):
        try:
            return float(text)
        except ValueError:
            return text
    try:
        with open(directory / name, newline="") as file:
            return [{key: value(text) for key, text in row.items()} for row in csv.DictReader(file)]
    except OSError as error:
        fail(f"{directory / name}: {error.strerror}")


def save(figure, name):
    pathlib.Path(name).parent.mkdir(parents=True, exist_ok=True)
    for ending in ("pdf", "png"):
        # No date inside: the same results give the same file.
        figure.savefig(f"{name}.{ending}", bbox_inches="tight", pad_inches=0.03, metadata={"CreationDate": None} if ending == "pdf" else None)
    print(f"written to {name}.pdf and {name}.png")
