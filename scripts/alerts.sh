#!/bin/sh
# Checks and tests the alert rules with promtool, the command of which is the only argument. Without one it says how to get it and
# succeeds: the tests in Go still hold names and documents to the rules.
set -eu
cd "$(dirname "$0")/../deploy/prometheus"
if ! command -v "$1" >/dev/null; then
	echo "alerts: NOT TESTED, as there is no $1. It comes with Prometheus: Debian has it in the package prometheus (to have it without" >&2
	echo "the service: apt-get download prometheus && dpkg -x prometheus_*.deb DIR, then make alerts PROMTOOL=DIR/usr/bin/promtool)." >&2
	exit 0
fi
"$1" check rules alerts.yml
"$1" test rules alerts_test.yml
