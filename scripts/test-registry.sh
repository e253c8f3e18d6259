#!/bin/sh
# Runs the tests that want a real schema registry: TTP_TEST_REGISTRY if it is set (a Confluent API whose content does not
# matter), else Apicurio Registry of VERSION, which Maven brings; it runs in memory and is gone afterwards. The latter
# needs Maven and a JDK: 17 for 3.0.9, 21 for 3.1 and newer.
set -eu

version=${VERSION:-3.0.9}
port=${PORT:-18081}

if [ -z "${TTP_TEST_REGISTRY:-}" ]; then
	dir=$(mktemp -d)
	pid=
	trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || :; rm -rf "$dir"' EXIT
	artifact=io.apicurio:apicurio-registry-app:$version:tar.gz:all
	mvn -q -B dependency:copy -Dartifact="$artifact" -DoutputDirectory="$dir"
	tar xzf "$dir"/apicurio-registry-app-*.tar.gz -C "$dir"
	jar=$(ls "$dir"/quarkus-run.jar "$dir"/apicurio-registry-app-*-runner.jar 2>/dev/null | head -n 1) # as the version has it
	java -Xmx512m '-Dquarkus.log.category."io.quarkus".level=INFO' -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$port" \
		-jar "$jar" >"$dir/log" 2>&1 &
	pid=$!
	TTP_TEST_REGISTRY=http://127.0.0.1:$port/apis/ccompat/v7
	for i in $(seq 60); do
		if grep -q 'Listening on: ' "$dir/log"; then break; fi
		if [ "$i" = 60 ] || ! kill -0 "$pid" 2>/dev/null; then
			echo "The registry did not start:" >&2
			tail -n 20 "$dir/log" >&2
			exit 1
		fi
		sleep 1
	done
fi

export TTP_TEST_REGISTRY
go test -count=1 -v -run 'RealRegistry$' ./internal/registry ./internal/app
