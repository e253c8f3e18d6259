package apache

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Release is the Kafka that runs.
const Release = "4.3.1"

// The files that a broker is set up with.
var (
	//go:embed pom.xml
	pom []byte
	//go:embed log4j2.properties
	log4j []byte
)

// ErrMissing is the error where Java or Maven is not installed.
var ErrMissing = errors.New("a program that Apache Kafka needs is missing")

// java is the path of the Java launcher.
func java() (string, error) {
	return program("java", "a JDK, 17 or newer (Debian: openjdk-17-jdk-headless)")
}

func program(name, from string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%w: %s is not on the PATH: install %s", ErrMissing, name, from)
	}
	return path, nil
}

// Jars returns the directory with the broker's jars. The first call on a machine has Maven fetch them, some 45 MB,
// into the user's cache directory; they are kept there.
func Jars(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a place for Kafka's jars: %w", err)
	}
	dir := filepath.Join(cache, "ttpworker", "kafka-"+Release)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	mvn, err := program("mvn", "Apache Maven (Debian: maven)")
	if err != nil {
		return "", err
	}
	// Fetched aside and moved into place: whoever finds the directory finds all of it.
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		return "", fmt.Errorf("making a place for Kafka's jars: %w", err)
	}
	aside, err := os.MkdirTemp(filepath.Dir(dir), "fetch-")
	if err != nil {
		return "", fmt.Errorf("making a place for Kafka's jars: %w", err)
	}
	defer func() { _ = os.RemoveAll(aside) }()
	if err := os.WriteFile(filepath.Join(aside, "pom.xml"), pom, 0o600); err != nil {
		return "", fmt.Errorf("fetching Kafka's jars: %w", err)
	}
	libs := filepath.Join(aside, "libs")
	cmd := exec.CommandContext(ctx, mvn, "--quiet", "--batch-mode", "-Dkafka.version="+Release, //nolint:gosec // a program of that name on the PATH
		"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+libs)
	cmd.Dir = aside
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fetching Kafka's jars by Maven: %w\n%s", err, out)
	}
	if err := os.Rename(libs, dir); err != nil {
		if _, statErr := os.Stat(dir); statErr == nil {
			return dir, nil // another process was first
		}
		return "", fmt.Errorf("keeping Kafka's jars: %w", err)
	}
	return dir, nil
}
