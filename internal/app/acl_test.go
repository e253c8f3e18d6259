package app_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
)

// An acl is one permission, as docs/security.md gives it.
type acl struct {
	principal, on, name string // on: topic, group or transactional id
	prefixed            bool
	operation           string
}

// documentedACLs are those of the commands in docs/security.md.
func documentedACLs(t *testing.T) []acl {
	t.Helper()
	data, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var acls []acl
	for line := range strings.Lines(strings.ReplaceAll(string(data), "\\\n", "")) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "kafka-acls.sh" {
			continue
		}
		if diff := cmp.Diff([]string{"kafka-acls.sh", "$TO", "--add"}, words[:3]); diff != "" {
			t.Fatalf("%s: %s", line, diff)
		}
		acls = append(acls, parseACLs(t, line, words[3:])...)
	}
	if len(acls) == 0 {
		t.Fatal("docs/security.md has no kafka-acls.sh")
	}
	return acls
}

// parseACLs are those of one command.
func parseACLs(t *testing.T, line string, args []string) []acl {
	t.Helper()
	var what acl
	var operations, names []string
	for i := 0; i+1 < len(args); i += 2 {
		switch flag, value := args[i], args[i+1]; flag {
		case "--allow-principal":
			what.principal = strings.TrimPrefix(value, "User:")
		case "--operation":
			operations = append(operations, value)
		case "--topic", "--group", "--transactional-id":
			what.on = strings.ReplaceAll(strings.TrimPrefix(flag, "--"), "-", " ")
			names = append(names, value)
		case "--resource-pattern-type":
			what.prefixed = value == "prefixed"
		default:
			t.Fatalf("%s: unknown flag %s", line, flag)
		}
	}
	var acls []acl
	for _, what.name = range names {
		for _, what.operation = range operations {
			acls = append(acls, what)
		}
	}
	return acls
}

// People read the table and run the commands: both say the same.
func TestTheTableOfAccessSaysWhatTheCommandsDo(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `(ttp-[a-z]+)` \\| [^|]+ \\| ([a-z ]+) \\| `([a-z_-]+)(\\*?)` \\| ([A-Za-z, ]+) \\|$")
	var table []acl
	for _, m := range row.FindAllStringSubmatch(string(data), -1) {
		for operation := range strings.SplitSeq(m[5], ", ") {
			table = append(table, acl{m[1], m[2], m[3], m[4] == "*", operation})
		}
	}
	text := func(acls []acl) []string {
		lines := make([]string, len(acls))
		for i, a := range acls {
			lines[i] = fmt.Sprint(a)
		}
		slices.Sort(lines)
		return lines
	}
	if diff := cmp.Diff(text(table), text(documentedACLs(t))); diff != "" {
		t.Errorf("docs/security.md (-table +commands):\n%s", diff)
	}
}

// allow gives principals what acls say.
func allow(t *testing.T, adm *kadm.Client, acls []acl) {
	t.Helper()
	operations := map[string]kadm.ACLOperation{
		"Read": kadm.OpRead, "Write": kadm.OpWrite, "Create": kadm.OpCreate, "Describe": kadm.OpDescribe, "DescribeConfigs": kadm.OpDescribeConfigs,
	}
	for _, a := range acls {
		operation, known := operations[a.operation]
		if !known {
			t.Fatalf("unknown operation %s; known: %q", a.operation, slices.Sorted(maps.Keys(operations)))
		}
		pattern := kadm.ACLPatternLiteral
		if a.prefixed {
			pattern = kadm.ACLPatternPrefixed
		}
		b := kadm.NewACLs().Allow("User:" + a.principal).AllowHosts("*").Operations(operation).ResourcePatternType(pattern)
		switch a.on {
		case "topic":
			b.Topics(a.name)
		case "group":
			b.Groups(a.name)
		case "transactional id":
			b.TransactionalIDs(a.name)
		default:
			t.Fatalf("unknown resource %q", a.on)
		}
		results, err := adm.CreateACLs(t.Context(), b)
		for _, r := range results {
			if err == nil {
				err = r.Err
			}
		}
		if err != nil || len(results) != 1 {
			t.Fatalf("allowing %v: %d results, %v", a, len(results), err)
		}
	}
}

func containsText(err error, text string) bool {
	return err != nil && strings.Contains(err.Error(), text)
}
