#!/usr/bin/python3
"""run_commands.py SOURCE_DIR BUILD_DIR FILE.md: runs every ```sh and ```python block of a document in order in a scratch copy, and follows its links.

A block is left out only after a line `<!-- not run by tests: REASON -->`. The commands are the real ones, with short workloads and few requests
added to their arguments, and the design spaces' searches are short: what is tested is that the commands work, not what they compute."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SHORT = "--set workload.prompt_tokens=8 --set workload.generated_tokens=2"
SHORT_IN_PYTHON = r'\g<0>; \1["workload.prompt_tokens"] = 8; \1["workload.generated_tokens"] = 2'
FEW = "--set serving.requests.limit=2 --set serving.requests.longest_output=8"
SEARCH = {"population": 16, "generations": 2, "confirm_best": 1, "confirm_front": 2}
TIMEOUT_S = 300


def blocks(text):
    """(line number, language, commands, reason to leave them out or None)"""
    lines = text.split("\n")
    found = []
    for i, line in enumerate(lines):
        if line.strip() not in ("```sh", "```python"):
            continue
        end = lines.index("```", i)
        before = next((l for l in reversed(lines[:i]) if l.strip()), "")
        reason = re.fullmatch(r"<!-- not run by tests: (.+) -->", before.strip())
        found.append((i + 1, line.strip()[3:], "\n".join(lines[i + 1:end]), reason.group(1) if reason else None))
    return found


def scratch_copy(source, build, scratch):
    for folder in ("configs", "traces", "tests/data"):
        shutil.copytree(source / folder, scratch / folder)
    for space in (scratch / "configs" / "space").glob("*.yaml"):
        space.write_text(re.sub(rf"\b({'|'.join(SEARCH)}): \d+", lambda m: f"{m[1]}: {SEARCH[m[1]]}", space.read_text()))
    (scratch / "tools").symlink_to(source / "tools")
    program = scratch / "build" / "release" / "tools" / "bondsim"
    program.parent.mkdir(parents=True)
    shorter = f'run | map) set -- "$@" {SHORT} ;; dataflows) set -- "$@" {SHORT} --refine 20 ;; serve) set -- "$@" {FEW} ;;'
    program.write_text(f'#!/bin/sh\ncase "$1" in {shorter} esac\nexec "{build}/tools/bondsim" "$@"\n')
    program.chmod(0o755)


def broken_links(source, document, text):
    """Relative targets of [text](target) and src="target" that are not there."""
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text)
    return [t for t in targets if not re.match(r"(https?:|#|mailto:)", t) and not (document.parent / t.split("#")[0]).exists()]


def main():
    source, build = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
    document = source / sys.argv[3]
    text = document.read_text()
    faults = [f"{document}: link to {link}, which is not there" for link in broken_links(source, document, text)]
    ran = 0
    with tempfile.TemporaryDirectory(prefix="bondsim-docs-") as name:
        scratch = pathlib.Path(name)
        scratch_copy(source, build, scratch)
        for line, language, commands, reason in blocks(text):
            if reason:
                print(f"{sys.argv[3]}:{line}: left out: {reason}")
                continue
            if language == "python" and not (build / "python").exists():
                print(f"{sys.argv[3]}:{line}: left out: the Python package was not built")
                continue
            ran += 1
            commands = re.sub(r"^(\w+) = bs\.Experiment\(.*\)$", SHORT_IN_PYTHON, commands, flags=re.M)
            program = ["/usr/bin/python3", "-c"] if language == "python" else ["bash", "-euo", "pipefail", "-c"]
            try:
                result = subprocess.run([*program, commands], cwd=scratch, env={**os.environ, "PYTHONPATH": str(build / "python")}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S)
                status, output = result.returncode, result.stdout
            except subprocess.TimeoutExpired:
                status, output = "none", f"took more than {TIMEOUT_S} s"
            print(f"{sys.argv[3]}:{line}: exit status {status}")
            if status != 0:
                faults.append(f"{sys.argv[3]}:{line}: exit status {status}\n{commands}\n{output}")
    if ran == 0:
        faults.append(f"{sys.argv[3]}: no command was run")
    print("\n".join(faults))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
