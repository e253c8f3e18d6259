package app_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ttpworker/internal/app"
	"ttpworker/internal/yamlx"
)

// writeFile writes a file into the test's directory and returns its path.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A leaf is a configuration key.
type leaf struct {
	path  string // kafka.embedded.port
	env   string // as the tags say: DECNET_TTP_KAFKA_EMBEDDED_PORT
	index []int
}

func leaves(t *testing.T, typ reflect.Type, at leaf) []leaf {
	t.Helper()
	var all []leaf
	for i := range typ.NumField() {
		f := typ.Field(i)
		key, flags, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		next := leaf{path: at.path, env: at.env, index: append(append([]int(nil), at.index...), i)}
		if flags != "inline" {
			next.path = strings.TrimPrefix(at.path+"."+key, ".")
		}
		switch {
		case key == "-" && f.Tag.Get("env") == "-":
		case f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[yamlx.Secret]():
			next.env += f.Tag.Get("envPrefix")
			all = append(all, leaves(t, f.Type, next)...)
		default:
			next.env += f.Tag.Get("env")
			all = append(all, next)
		}
	}
	return all
}

// sample is a value for a key, as text and as YAML, that no default has.
func sample(t *testing.T, typ reflect.Type, isDefault reflect.Value) (text, yaml string, want any) {
	t.Helper()
	switch {
	case typ == reflect.TypeFor[time.Duration]():
		return "1m7s", "1m7s", 67 * time.Second
	case typ == reflect.TypeFor[yamlx.Secret]():
		return "zz", "zz", yamlx.NewSecret("zz")
	case typ.Kind() == reflect.Bool:
		text = strconv.FormatBool(!isDefault.Bool())
		return text, text, !isDefault.Bool()
	case typ.Kind() == reflect.Slice:
		return "a:1,b:2", "[a:1, b:2]", reflect.ValueOf([]string{"a:1", "b:2"}).Convert(typ).Interface()
	case typ.Kind() == reflect.String:
		return "zz", "zz", reflect.ValueOf("zz").Convert(typ).Interface()
	}
	return "77", "77", reflect.ValueOf(77).Convert(typ).Interface()
}

// nested is path: value as a YAML document.
func nested(path, value string) string {
	var b strings.Builder
	keys := strings.Split(path, ".")
	for depth, key := range keys {
		b.WriteString(strings.Repeat("  ", depth) + key + ":")
		if depth < len(keys)-1 {
			b.WriteString("\n")
		}
	}
	return b.String() + " " + value + "\n"
}

func TestEveryKeyHasItsVariableAndCanBeSetInEveryWay(t *testing.T) {
	t.Parallel()
	all := leaves(t, reflect.TypeFor[app.Config](), leaf{env: "DECNET_TTP_"})
	if len(all) < 40 {
		t.Fatalf("%d keys found, want all of them", len(all))
	}
	for _, l := range all {
		t.Run(l.path, func(t *testing.T) {
			t.Parallel()
			if want := "DECNET_TTP_" + strings.ToUpper(strings.ReplaceAll(l.path, ".", "_")); l.env != want {
				t.Fatalf("the variable of %s is %s, want %s", l.path, l.env, want)
			}
			isDefault := reflect.ValueOf(app.DefaultConfig()).FieldByIndex(l.index)
			text, yaml, want := sample(t, isDefault.Type(), isDefault)
			file := writeFile(t, "worker.yaml", nested(l.path, yaml))
			// Faults are left aside: a sample need not go with the other defaults.
			fromFile, _, _ := app.Load(file, nil, nil)
			fromEnv, warnings, _ := app.Load("", []string{l.env + "=" + text}, nil)
			fromSet, _, _ := app.Load("", nil, []string{l.path + "=" + text})
			for way, cfg := range map[string]app.Config{"the file": fromFile, "the environment": fromEnv, "--set": fromSet} {
				if diff := cmp.Diff(want, reflect.ValueOf(cfg).FieldByIndex(l.index).Interface()); diff != "" {
					t.Errorf("%s from %s (-want +got):\n%s", l.path, way, diff)
				}
				reflect.ValueOf(&cfg).Elem().FieldByIndex(l.index).Set(isDefault)
				if diff := cmp.Diff(app.DefaultConfig(), cfg); diff != "" {
					t.Errorf("%s from %s changed other keys (-want +got):\n%s", l.path, way, diff)
				}
			}
			if len(warnings) > 0 {
				t.Errorf("warnings = %q, want none", warnings)
			}
		})
	}
}

func TestSetsGoOverTheEnvironmentOverTheFileOverDefaults(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "worker.yaml", "kafka:\n  group: file\n  replica: file\n  max_poll: 1\nadmin: {listen: ''}\n")
	cfg, warnings, err := app.Load(file,
		[]string{"DECNET_TTP_KAFKA_REPLICA=env", "DECNET_TTP_KAFKA_MAX_POLL=2", "PATH=/bin", "DECNET=x"},
		[]string{"kafka.max_poll=3"})
	if err != nil || len(warnings) > 0 {
		t.Fatalf("Load = %v, warnings %q", err, warnings)
	}
	want := app.DefaultConfig()
	want.Kafka.Group, want.Kafka.Replica, want.Kafka.MaxPoll, want.Admin.Listen = "file", "env", 3, ""
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
	base := app.DefaultConfig()
	base.Kafka.Group, base.Topics.Create = "base", true
	cfg, _, err = app.LoadOver(base, "", nil, []string{"kafka.replica=r"})
	if err != nil || cfg.Kafka.Group != "base" || !cfg.Topics.Create || cfg.Kafka.Replica != "r" {
		t.Errorf("LoadOver = %+v, %v, want the base's group and replica r", cfg.Kafka, err)
	}
}

// Orchestrators pass empty variables for what is not given; who types an empty --set means it.
func TestAnEmptyVariableIsNoneAndAnEmptySetEmpties(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "worker.yaml", "kafka: {replica: r, max_poll: 9}\ninput: {topics: [a, b]}\n")
	cfg, _, err := app.Load(file, []string{"DECNET_TTP_KAFKA_REPLICA=", "DECNET_TTP_KAFKA_MAX_POLL="}, nil)
	if err != nil || cfg.Kafka.Replica != "r" || cfg.Kafka.MaxPoll != 9 {
		t.Errorf("Load with empty variables = replica %q, max_poll %d, %v, want those of the file", cfg.Kafka.Replica, cfg.Kafka.MaxPoll, err)
	}
	cfg, _, err = app.Load(file, nil, []string{"kafka.replica=", "admin.listen=", "input.topics="})
	if err != nil || cfg.Kafka.Replica != "" || cfg.Admin.Listen != "" || len(cfg.Input.Topics) != 0 {
		t.Errorf("Load with empty sets = replica %q, listen %q, topics %q, %v, want empty ones",
			cfg.Kafka.Replica, cfg.Admin.Listen, cfg.Input.Topics, err)
	}
	_, _, err = app.Load(file, nil, []string{"kafka.max_poll="})
	if want := "--set kafka.max_poll: the value is empty"; err == nil || err.Error() != want {
		t.Errorf("Load = %v, want %s", err, want)
	}
}

func TestTheFileIsReadStrictly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       []string // parts of the error, behind the file's name
	}{
		{"an unknown key", "kafka:\n  group: g\n  grupe: g\n", []string{`:3:3: unknown field "grupe"; known here: brokers, `}},
		{"an unknown section", "kafak: {}\n", []string{`:1:1: unknown field "kafak"; known here: admin, `}},
		{"a key given twice", "log:\n  level: info\n  level: warn\n", []string{`:3:3: field "level" is given twice, first in line 2`}},
		{"a text for a number", "kafka:\n  max_poll: many\n", []string{`:2:13: want a whole number, got "many"`}},
		{"a number for a section", "kafka: 7\n", []string{`:1:8: want a mapping, got "7"`}},
		{"a duration without a unit", "kafka: {end_timeout: 80}\n", []string{`:1:22: want a duration such as 250ms, got "80"`}},
		{"a list for a text", "kafka:\n  group: [a]\n", []string{`:2:10: want a text, got a list`}},
		{"several faults", "x: 1\ny: 2\n", []string{`:1:1: unknown field "x"`, `:2:1: unknown field "y"`}},
		{"no YAML", "kafka: [\n", []string{":"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := writeFile(t, "worker.yaml", tt.text)
			_, _, err := app.Load(file, nil, nil)
			if err == nil {
				t.Fatal("Load = nil, want a fault")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("Load =\n%v\nwant %d faults", err, len(tt.want))
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(lines[i], file+want) {
					t.Errorf("fault %d = %s, want %s%s", i, lines[i], file, want)
				}
			}
		})
	}
	if _, _, err := app.Load(filepath.Join(t.TempDir(), "none.yaml"), nil, nil); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("Load of a missing file = %v, want its name", err)
	}
	cfg, _, err := app.Load(writeFile(t, "worker.yaml", "# kafka:\n#   group: g\n"), nil, nil)
	if diff := cmp.Diff(app.DefaultConfig(), cfg); diff != "" || err != nil {
		t.Errorf("Load of a file of comments = %v (-want +got):\n%s", err, diff)
	}
}

func TestAnUnknownVariableOnlyWarns(t *testing.T) {
	t.Parallel()
	// An orchestrator injects the likes of the first for a service called decnet-ttp-worker.
	environ := []string{"DECNET_TTP_WORKER_PORT=tcp://10.0.0.1:80", "DECNET_TTP_KAFKA_GRUPE=x", "DECNET_TTP_=x"}
	cfg, warnings, err := app.Load("", environ, nil)
	if err != nil {
		t.Fatalf("Load = %v", err)
	}
	want := []string{
		"environment variable DECNET_TTP_ means nothing here",
		"environment variable DECNET_TTP_KAFKA_GRUPE means nothing here",
		"environment variable DECNET_TTP_WORKER_PORT means nothing here",
	}
	if diff := cmp.Diff(want, warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(app.DefaultConfig(), cfg); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
}

func TestABadValueNamesItsVariableOrKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		environ, sets []string
		want          string
	}{
		{
			"a variable that is no number",
			[]string{"DECNET_TTP_KAFKA_MAX_POLL=many"},
			nil,
			`environment variable DECNET_TTP_KAFKA_MAX_POLL="many": invalid syntax`,
		},
		{
			"a variable that is no duration",
			[]string{"DECNET_TTP_KAFKA_END_TIMEOUT=80"},
			nil,
			`environment variable DECNET_TTP_KAFKA_END_TIMEOUT="80": unable to parse duration: time: missing unit in duration "80"`,
		},
		{
			"a variable that is neither true nor false",
			[]string{"DECNET_TTP_TOPICS_CREATE=maybe"},
			nil,
			`environment variable DECNET_TTP_TOPICS_CREATE="maybe": invalid syntax`,
		},
		{"a set that is no number", nil, []string{"limits.depth=deep"}, `--set limits.depth="deep": invalid syntax`},
		{"a set without a value", nil, []string{"kafka.group"}, "--set kafka.group: want key=value"},
		{"a set of an unknown key", nil, []string{"kafka.grupe=x"}, "--set kafka.grupe: unknown key"},
		{
			"all of them",
			[]string{"DECNET_TTP_LIMITS_DEPTH=x", "DECNET_TTP_KAFKA_MAX_POLL=y"},
			[]string{"z=1"},
			"--set z: unknown key\n" + `environment variable DECNET_TTP_KAFKA_MAX_POLL="y": invalid syntax` + "\n" +
				`environment variable DECNET_TTP_LIMITS_DEPTH="x": invalid syntax`,
		},
		{
			"a value that does not do",
			[]string{"DECNET_TTP_RULE_STORE_TYPE=etcd"},
			nil,
			`rule_store.type: unknown "etcd"; known: filesystem`,
		},
		{
			"a tagger that nobody knows",
			[]string{"DECNET_TTP_TAGGER_TYPE=ai"},
			nil,
			`tagger.type: unknown "ai"; known: composite`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := app.Load("", tt.environ, tt.sets)
			if err == nil {
				t.Fatal("Load = nil, want a fault")
			}
			got := strings.Split(err.Error(), "\n")
			want := strings.Split(tt.want, "\n")
			if len(want) > 1 { // faults of the environment come in one order, those of flags in another
				got, want = sorted(got), sorted(want)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Load (-want +got):\n%s", diff)
			}
		})
	}
}

func sorted(lines []string) []string { return slices.Sorted(slices.Values(lines)) }

func TestAFileOfCommentsLeavesTheDefaults(t *testing.T) {
	t.Parallel()
	got, _, err := app.Load(writeFile(t, "worker.yaml", "# kafka:\n#   group: x\n"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(app.DefaultConfig(), got); diff != "" {
		t.Errorf("configuration (-default +got):\n%s", diff)
	}
}
