#!/usr/bin/env python3
"""Scores the rules over a labelled corpus: tags its events, and hands what was found to the corpus's own scorer.

Usage: score.py WORKER CORPUS

CORPUS is a directory of *.jsonl, one event per line with source_kind, payload and label, and score.py, which takes
those files and `--pred FILE` with lines of {"label": ..., "techniques": [...]}. Other files are left out.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

BAD_INPUT = 3  # exit code of the worker: done, but some lines were no events


def rows(path):
    """Rows of a file by line number, from 1; None if it does not hold labelled events."""
    found = {}
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            row = json.loads(line)
            if not {"source_kind", "payload", "label"} <= row.keys() or row["source_kind"] == "auth_stream":
                return None
            found[number] = row
    return found


def predictions(worker, path, labelled):
    """Techniques by label, as the worker tags the file. A tag's source_id is "line:<number>"."""
    found = {row["label"]: set() for row in labelled.values()}
    run = subprocess.Popen([worker, "tag", str(path)], stdout=subprocess.PIPE, encoding="utf-8")
    with run.stdout:
        for line in run.stdout:
            tag = json.loads(line)
            number = int(tag["source_id"].removeprefix("line:"))
            found[labelled[number]["label"]].add(tag["sub_technique_id"] or tag["technique_id"])
    if run.wait() not in (0, BAD_INPUT):
        sys.exit(f"{worker} tag {path}: exit code {run.returncode}")
    return found


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    worker, corpus = sys.argv[1], pathlib.Path(sys.argv[2])
    scorer = corpus / "score.py"
    if not scorer.is_file():
        sys.exit(
            f"{scorer} is not there. make score CORPUS=DIR wants a directory of labelled events: *.jsonl, each line "
            'with "source_kind", "payload" and "label", and a score.py that takes them and --pred FILE.'
        )
    files = []
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as out:
        for path in sorted(corpus.glob("*.jsonl")):
            labelled = rows(path)
            if not labelled:
                print(f"-- {path.name}: no labelled events, left out", file=sys.stderr)
                continue
            files.append(path)
            for label, techniques in predictions(worker, path, labelled).items():
                out.write(json.dumps({"label": label, "techniques": sorted(techniques)}) + "\n")
        if not files:
            sys.exit(f"{corpus}: no file holds labelled events")
        out.flush()
        sys.exit(subprocess.call([sys.executable, str(scorer), *map(str, files), "--pred", out.name]))


if __name__ == "__main__":
    main()
