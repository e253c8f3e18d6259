#!/usr/bin/env python3
"""Scores the rules over a labelled corpus: tags its events, hands what was found to the corpus's own scorer, and says how
often each rule is right. docs/quality.md tells how to read it.

Usage: score.py [--half 0|1] [--strict] WORKER CORPUS

CORPUS is a directory of *.jsonl, one event per line with source_kind, payload and label, and score.py, which takes
those files and `--pred FILE` with lines of {"label": ..., "techniques": [...]}. Other files are left out.
"""

import argparse
import collections
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

BAD_INPUT = 3  # exit code of the worker: done, but some lines were no events
LIMIT = 4  # exit code, as the worker's: done, but a limit that a flag gives was exceeded
FEW = 20  # fewer samples say nothing about a confidence
ATTACK = pathlib.Path(__file__).parent.parent / "internal" / "attack"

Sample = collections.namedtuple("Sample", "rule technique label")


def rows(path, half):
    """Rows of a file, those of one half if there is one; None if it does not hold labelled events."""
    found = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if not line.strip():
                continue
            row = json.loads(line)
            if not {"source_kind", "payload", "label"} <= row.keys() or row["source_kind"] == "auth_stream":
                return None
            if half is None or half == half_of(row):
                found.append(row)
    return found


def half_of(row):
    """The half that a row is in, 0 or 1: rows of one group are in the same one, whatever file they are in."""
    return hashlib.sha1(str(row.get("group", row["label"])).encode()).digest()[-1] & 1


def tag(worker, path, labelled):
    """What the worker finds in the rows of a file, each once. A tag's source_id is "line:<number>"."""
    found = set()
    run = subprocess.Popen([worker, "tag", str(path)], stdout=subprocess.PIPE, encoding="utf-8")
    with run.stdout:
        for line in run.stdout:
            t = json.loads(line)
            row = labelled[int(t["source_id"].removeprefix("line:")) - 1]
            found.add(Sample(t["rule_id"], t["sub_technique_id"] or t["technique_id"] or "", row["label"]))
    if run.wait() not in (0, BAD_INPUT):
        sys.exit(f"{worker} tag {path}: exit code {run.returncode}")
    return found


def replaced():
    """The technique in whose place a revoked one is today, by id."""
    out = {}
    for path in ATTACK.glob("enterprise_*.tsv"):
        for line in path.read_text(encoding="utf-8").splitlines():
            columns = line.split("\t")
            if len(columns) > 3 and columns[1] == "revoked" and columns[3]:
                out[columns[0]] = columns[3]
    return out


def families(ids, today):
    """Techniques without their sub-techniques: a parent counts for its sub-technique and the other way round."""
    out = set()
    for id in ids:
        for _ in range(5):  # a successor can have one, too
            id = today.get(id, id)
        out.add(id.split(".")[0])
    return out


def right(row, today):
    """The families that a tag on the row is right with; None = the row says nothing about single tags."""
    if row["label"].startswith("atomic:"):  # the technique of the test, on each of its lines, set-up included
        return None
    if row.get("benign") or row.get("hard_negative"):
        return set()
    if not row.get("techniques") and "accept" not in row and "allowed" not in row:
        return None  # malicious or spam, of whatever technique
    alternatives = [id for ids in row.get("accept", []) for id in ids]
    return families([*row.get("techniques", []), *alternatives, *row.get("allowed", [])], today)


def confidences(worker):
    """The confidence of each rule in each technique that it emits; the highest, if tactics differ."""
    found = {}
    listed = subprocess.run([worker, "rules", "list", "--output", "json"], stdout=subprocess.PIPE, encoding="utf-8", check=True)
    for rule in json.loads(listed.stdout):
        for emit in rule["emits"]:
            key = rule["rule_id"], emit["technique"]
            found[key] = max(found.get(key, 0), emit["confidence"])
    return found


def precision(samples, labelled, confidence):
    """Prints how often rules are right, and returns how many are surer than that."""
    today = replaced()
    good = {label: right(row, today) for label, row in labelled.items()}
    counts = collections.defaultdict(collections.Counter, {key: collections.Counter() for key in confidence})
    for s in samples:
        allowed = good[s.label]
        if allowed is None:
            continue
        row = labelled[s.label]
        verdict = "right" if families([s.technique], today) <= allowed else "benign" if row.get("benign") or row.get("hard_negative") else "other"
        counts[s.rule, s.technique][verdict] += 1
    print("== precision of each rule: tags on labelled rows; right within their techniques, wrong on benign rows or for other techniques")
    print(f"  {'rule':<24} {'technique':<10} {'samples':>8} {'right':>6} {'benign':>6} {'other':>6} {'precision':>9} {'confidence':>10}")
    too_sure = 0
    for (rule, technique), count in sorted(counts.items()):
        n = count.total()
        share = count["right"] / n if n else None
        sure = confidence.get((rule, technique))
        flag = ""
        if n >= FEW and sure is not None and sure > share:
            flag = "  ! surer than it is right"
            too_sure += 1
        share, sure = ("-" if v is None else f"{v:.{digits}f}" for v, digits in ((share, 3), (sure, 2)))
        print(f"  {rule:<24} {technique or '-':<10} {n:8} {count['right']:6} {count['benign']:6} {count['other']:6} {share:>9} {sure:>10}{flag}")
    print(f"  {too_sure} of {len(counts)} with {FEW} samples or more are surer than they are right")
    return too_sure


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("worker")
    options.add_argument("corpus", type=pathlib.Path)
    options.add_argument("--half", type=int, choices=(0, 1), help="take only one half of the groups, by the last bit of the SHA-1 of their names")
    options.add_argument("--strict", action="store_true", help=f"end with exit code {LIMIT} if a rule with {FEW} samples or more is surer than it is right")
    args = options.parse_args()
    scorer = args.corpus / "score.py"
    if not scorer.is_file():
        sys.exit(
            f"{scorer} is not there. make score CORPUS=DIR wants a directory of labelled events: *.jsonl, each line "
            'with "source_kind", "payload" and "label", and a score.py that takes them and --pred FILE.'
        )
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        files, labelled, samples = [], {}, set()
        for path in sorted(args.corpus.glob("*.jsonl")):
            found = rows(path, args.half)
            if not found:
                print(f"-- {path.name}: no labelled events, left out", file=sys.stderr)
                continue
            copy = scratch / path.name  # without empty lines and the other half
            copy.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
            files.append(copy)
            labelled.update((row["label"], row) for row in found)
            samples |= tag(args.worker, copy, found)
        if not files:
            sys.exit(f"{args.corpus}: no file holds labelled events")
        predicted = {label: set() for label in labelled}
        for s in samples:
            if s.technique:
                predicted[s.label].add(s.technique)
        out = scratch / "predictions"
        out.write_text("".join(json.dumps({"label": k, "techniques": sorted(v)}) + "\n" for k, v in predicted.items()), encoding="utf-8")
        code = subprocess.call([sys.executable, str(scorer), *map(str, files), "--pred", str(out)])
    too_sure = precision(samples, labelled, confidences(args.worker))
    sys.exit(code or (LIMIT if args.strict and too_sure else 0))


if __name__ == "__main__":
    main()
