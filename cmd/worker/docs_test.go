package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"

	"ttpworker/internal/app"
	"ttpworker/internal/pipeline"
	"ttpworker/internal/rule"
	"ttpworker/internal/tagger"
	"ttpworker/internal/yamlx"
)

// What the documents say must be so: the commands in them exist, the YAML in them loads, their links lead somewhere.

func TestDocumentsCommands(t *testing.T) {
	targets := makeTargets(t)
	for _, d := range documents(t) {
		for _, b := range d.blocks {
			for _, words := range splitCommands(script(b)) {
				if err := checkCommand(words, targets); err != nil {
					t.Errorf("%s:%d: %s: %v", b.file, b.line, strings.Join(words, " "), err)
				}
			}
		}
	}
}

// Commands named in the text are often incomplete: their arguments are not counted.
func TestDocumentsCommandsInText(t *testing.T) {
	targets := makeTargets(t)
	span := regexp.MustCompile("`+([^`]+)`+")
	for _, d := range documents(t) {
		for _, p := range d.prose {
			for _, m := range span.FindAllStringSubmatch(p.text, -1) {
				for _, words := range splitCommands(strings.ReplaceAll(m[1], "\n", " ")) {
					if err := checkCommand(words, targets); err != nil && !errors.Is(err, errArguments) {
						t.Errorf("%s:%d: %s: %v", p.file, p.line, m[0], err)
					}
				}
			}
		}
	}
}

// script is what of a block is typed into a shell.
func script(b passage) string {
	switch b.lang {
	case "sh", "bash", "shell":
		return b.text
	case "console":
		var typed strings.Builder
		goesOn := false
		for line := range strings.Lines(b.text) {
			command, prompted := strings.CutPrefix(line, "$ ")
			if prompted || goesOn {
				typed.WriteString(command)
				goesOn = strings.HasSuffix(strings.TrimRight(line, "\n"), `\`)
			}
		}
		return typed.String()
	}
	return ""
}

func makeTargets(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(string(data), -1) {
		targets = append(targets, m[1])
	}
	return targets
}

var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// checkCommand checks a simple command if it is make or the worker.
func checkCommand(words, targets []string) error {
	for len(words) > 0 && assignment.MatchString(words[0]) {
		words = words[1:]
	}
	switch {
	case len(words) == 0:
		return nil
	case words[0] == "make":
		return checkMake(words[1:], targets)
	case path.Base(words[0]) == "worker":
		return checkWorker(words[1:])
	case len(words) > 2 && slices.Equal(words[:3], []string{"go", "run", "./cmd/worker"}):
		return checkWorker(words[3:])
	case words[0] == "docker" || words[0] == "kubectl": // the worker in a container
		if i := slices.Index(words, "/worker"); i > 0 {
			return checkWorker(words[i+1:])
		}
	}
	return nil
}

func checkMake(args, targets []string) error {
	for _, arg := range args {
		if !strings.HasPrefix(arg, "-") && !assignment.MatchString(arg) && !slices.Contains(targets, arg) {
			return fmt.Errorf("no target %q in the Makefile", arg)
		}
	}
	return nil
}

// errArguments says that the command and its flags are there, and the arguments are not what it takes.
var errArguments = errors.New("arguments")

// checkWorker parses a command line of the worker and runs nothing.
func checkWorker(args []string) error {
	root := newRoot()
	root.InitDefaultHelpCmd()
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return nil
		}
		return err
	}
	rest = cmd.Flags().Args()
	if cmd.HasSubCommands() && len(rest) > 0 {
		return fmt.Errorf("%s has no sub-command %q", cmd.CommandPath(), rest[0])
	}
	if cmd.HasSubCommands() && cmd != root {
		return fmt.Errorf("%w: %s needs a sub-command", errArguments, cmd.CommandPath())
	}
	if err := errors.Join(cmd.ValidateArgs(rest), cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()); err != nil {
		return fmt.Errorf("%w: %w", errArguments, err)
	}
	return nil
}

func TestCheckCommand(t *testing.T) {
	for _, tt := range []struct {
		line string
		good bool
	}{
		{"make demo", true},
		{"make score CORPUS=x", true},
		{"make nothing", false},
		{"ls worker", true},
		{"bin/worker help", true},
		{"worker tag --rules x -", true},
		{"go run ./cmd/worker demo", true},
		{"A=b worker state set R1 disabled --for 2h --brokers h:1", true},
		{"docker compose exec x /worker rules lint", true},
		{"worker nothing", false},
		{"worker rules nothing", false},
		{"worker rules", false},
		{"worker state set R1", false},
		{"worker run --nothing", false},
		{"docker compose exec x /worker rules nothing", false},
	} {
		if err := checkCommand(splitCommands(tt.line)[0], []string{"demo", "score"}); (err == nil) != tt.good {
			t.Errorf("checkCommand(%q) = %v, want good = %t", tt.line, err, tt.good)
		}
	}
}

// A block with rule_id or logsource is a rule, whose own tests must pass; one with a key of the configuration is that.
func TestDocumentsYAML(t *testing.T) {
	ruleID := regexp.MustCompile(`(?m)^(rule_id|logsource):`)
	mapping := regexp.MustCompile(`(?m)^- logsource:`)
	config := regexp.MustCompile(`(?m)^(kafka|input|topics|output|dlq|schema_registry|rule_store|sigma|tagger|limits|admin|log):`)
	for _, d := range documents(t) {
		for _, b := range d.blocks {
			if b.lang != "yaml" && b.lang != "yml" {
				continue
			}
			var err error
			switch {
			case ruleID.MatchString(b.text):
				err = checkRule(b)
			case mapping.MatchString(b.text):
				_, err = rule.ParseMapping("mapping.yaml", []byte(b.text))
			case config.MatchString(b.text):
				_, err = loadConfig(t, app.DefaultConfig(), b)
			default:
				_, err = yamlx.Parse([]byte(b.text), len(b.text))
			}
			if err != nil {
				t.Errorf("%s:%d: %v (lines count from the block's first)", b.file, b.line, err)
			}
		}
	}
}

func checkRule(b passage) error {
	r, err := rule.NewParser(rule.DefaultMaxBytes).Parse("rule.yaml", []byte(b.text))
	if err != nil {
		return err
	}
	standing := func(string) tagger.Standing { return tagger.DefaultStanding() }
	monitor := tagger.NewMonitor(discard(), prometheus.NewRegistry())
	return rule.RunTests(r, pipeline.NewPlan([]*rule.Rule{r}, standing, monitor))
}

// loadConfig loads a block over base.
func loadConfig(t *testing.T, base app.Config, b passage) (app.Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "worker.yaml")
	if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := app.LoadOver(base, file, nil, nil)
	return cfg, err
}

func TestDocumentsVariables(t *testing.T) {
	variable := regexp.MustCompile(`\bDECNET_TTP_[A-Z_]*[A-Z]\b`)
	for _, d := range documents(t) {
		for _, p := range slices.Concat(d.blocks, d.prose) {
			for _, name := range variable.FindAllString(p.text, -1) {
				_, warnings, _ := app.Load("", []string{name + "=x"}, nil) // an error is about the value
				if len(warnings) > 0 {
					t.Errorf("%s:%d: %s", p.file, p.line, warnings[0])
				}
			}
		}
	}
}

func TestDocumentsLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(<?([^)\s>]+)`)
	docs := documents(t)
	anchors := map[string][]string{}
	for _, d := range docs {
		anchors[d.path] = d.anchors()
	}
	for _, d := range docs {
		for _, p := range d.prose {
			for _, m := range link.FindAllStringSubmatch(p.text, -1) {
				to, err := url.Parse(m[1])
				if err != nil {
					t.Errorf("%s:%d: %v", p.file, p.line, err)
					continue
				}
				if to.Scheme != "" {
					continue
				}
				at := d.path
				if to.Path != "" {
					at = path.Join(path.Dir(d.path), to.Path)
				}
				if known, is := anchors[at]; is && to.Fragment != "" && !slices.Contains(known, to.Fragment) {
					t.Errorf("%s:%d: link to %s: no heading of %s is #%s", p.file, p.line, m[1], at, to.Fragment)
				}
				target := filepath.Join(repository, filepath.FromSlash(at))
				if _, err := os.Stat(target); err != nil {
					t.Errorf("%s:%d: link to %s: %v", p.file, p.line, m[1], err)
				}
			}
		}
	}
}
