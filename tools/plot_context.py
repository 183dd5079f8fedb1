#!/usr/bin/python3
"""Latency of each decode step against its context (results.json)."""
import plotting as p


def main():
    options = p.arguments(__doc__, "context")
    colors = p.palette()["series"]
    figure, axes = p.plt.subplots(figsize=(p.COLUMN, 2.1))
    for i, (directory, name) in enumerate(zip(options.directories, options.names)):
        run = p.results(directory)
        steps = [1e3 * step for step in run.get("step_latency_s") or []]
        if not steps:
            p.fail(f"{directory}/results.json: step_latency_s: no decode step found, allowed: at least one")
        first = run["workload"]["prompt_tokens"] + 1
        axes.plot(range(first, first + len(steps)), steps, linewidth=1, color=colors[i % len(colors)]["light"], label=name)
    axes.set_xlabel("context (tokens)")
    axes.set_ylabel("latency of a step (ms)")
    axes.grid()
    if len(options.names) > 1:
        axes.legend()
    p.save(figure, options.out)


if __name__ == "__main__":
    main()
