"""Which tests reach which lines: from a build of preset `reach` and one run of its tests (used by tools/mutate)."""
import collections
import json
import os
import re
import subprocess
import sys

import numpy as np


def output_of(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, errors="replace", **options).stdout


def name_of(test):
    """GoogleTest's name of a test that ctest lists, which shows a parameter behind it."""
    return test.split("  # GetParam")[0]


def blocks_of(program):
    """Offsets, ascending, of the basic blocks of a program: the addresses after its calls of __sanitizer_cov_trace_pc, from the image's start."""
    symbols = output_of("nm", program)
    start = int(re.search(r"^([0-9a-f]+) . __executable_start$", symbols, re.M).group(1), 16)
    process = subprocess.Popen(["objdump", "-d", "--no-show-raw-insn", program], stdout=subprocess.PIPE, text=True, errors="replace")
    found, after_call = [], False
    for line in process.stdout:
        if after_call and line.startswith(" "):
            found.append(int(line.split(":", 1)[0], 16) - start)
            after_call = False
        if "<__sanitizer_cov_trace_pc>" in line and "call" in line:
            after_call = True
    return np.array(sorted(found), dtype=np.int64), start


def lines_of(program, build, source, blocks, start):
    """For each block the lines that it holds, as indices of the list of (file, line) that comes second."""
    process = subprocess.Popen(["objdump", "--dwarf=decodedline", program], stdout=subprocess.PIPE, text=True, errors="replace")
    known, places, rows = {}, [], []
    file = None
    row = re.compile(r"^(\S+)\s+(\d+)\s+0x([0-9a-f]+)")
    for text in process.stdout:
        if text.rstrip().endswith(":") and "/" in text:
            path = os.path.normpath(os.path.join(build, text.strip().rstrip(":").replace("CU: ", "")))  # ccache makes paths relative
            file = os.path.relpath(path, source) if path.startswith(source + "/") else None
            continue
        match = row.match(text)
        if match and file and not file.startswith(("build/", "tests/")):
            if os.path.basename(file) != match.group(1):
                continue
            place = (file, int(match.group(2)))
            if place not in known:
                known[place] = len(places)
                places.append(place)
            rows.append((int(match.group(3), 16) - start, known[place]))
    rows = np.array(sorted(set(rows)), dtype=np.int64).reshape(-1, 2)
    # A row belongs to the block that was entered last before it; the row at a block's own call begins a few bytes earlier.
    block = np.searchsorted(blocks, rows[:, 0] + 5, side="right") - 1
    of_block = collections.defaultdict(set)
    for b, place in zip(block, rows[:, 1]):
        if b >= 0:
            of_block[int(b)].add(int(place))
    return of_block, places


def read(build, source, folder, seconds):
    """@param seconds of each test that passed, by its name (name_of); no other judges
    @return {"tests": [[name, program, seconds]], "lines": {file: {line: [test]}}} from what BONDSIM_REACH=folder was written by."""
    programs, took = {}, {}
    for entry in json.loads(output_of("ctest", "--show-only=json-v1", cwd=build))["tests"]:
        if entry.get("command") and name_of(entry["name"]) in seconds:
            filters = [a.split("=", 1)[1] for a in entry["command"] if a.startswith("--gtest_filter=")]
            name = filters[0] if filters else entry["name"]
            programs[name] = os.path.relpath(entry["command"][0], os.path.join(build, "tests"))
            took[name] = seconds[name_of(entry["name"])]
    tests = {}
    written = collections.defaultdict(list)
    for name in os.listdir(folder):
        written[name.rsplit(".", 1)[0]].append(os.path.join(folder, name))
    lines = collections.defaultdict(lambda: collections.defaultdict(set))
    for program, files in sorted(written.items()):
        path = os.path.join(build, "tools" if program == "bondsim" else "tests", program)
        blocks, start = blocks_of(path)
        of_block, places = lines_of(path, build, source, blocks, start)
        reached = collections.defaultdict(set)  # by test: blocks
        for file in files:
            with open(file, "rb") as data:
                test = data.readline().decode().strip()
                rest = data.read()  # of a process killed as it wrote, a part
                offsets = np.frombuffer(rest[:len(rest) // 4 * 4], dtype=np.uint32)
            index = np.searchsorted(blocks, offsets)
            reached[test].update(int(i) for i in index[index < len(blocks)])
        for test, of_test in reached.items():
            if test not in programs:
                continue
            number = tests.setdefault(test, len(tests))
            for place in set().union(*(of_block.get(b, ()) for b in of_test)) if of_test else ():
                file, line = places[place]
                lines[file][line].add(number)
        print(f"reach: {program}: {len(blocks)} blocks, {len(files)} runs", file=sys.stderr, flush=True)
    return {"tests": [[t, programs[t], took[t]] for t in tests], "lines": {f: {n: sorted(t) for n, t in of.items()} for f, of in lines.items()}}
