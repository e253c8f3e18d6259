#!/bin/sh
# Runs every fuzz target of the module, one after the other. Usage: fuzz.sh TIME, such as 20s or 1000x each.
set -eu

grep -rE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*\(f ' . |
	sed -E 's|^(.*)/[^/]*:func (Fuzz[A-Za-z0-9_]*).*|\1 \2|' | sort |
	while read -r dir name; do
		echo "== $dir $name"
		go test "$dir" -run '^$' -fuzz "^$name\$" -fuzztime "$1" -fuzzminimizetime 10x </dev/null
	done
