package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"ttpworker/internal/kafkatest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"worker": main})
}

// TestScripts runs testdata/script/<command>_<behaviour>.txtar. Beside what testscript brings there are
//
//	exits CODE PROGRAM [ARG...]   like exec, but the exit code must be CODE
//	ready HOST:PORT               waits until the worker whose admin server is there is ready
//	produce HOST:PORT TOPIC/PARTITION FILE   writes each line of the file as a record; with ! while a broker is there
//	settings HOST:PORT TOPIC KEY=VALUE       changes a setting of a topic
//	eventually OUTPUT PROGRAM [ARG...]       runs the program until its standard output matches
//
// and in the environment BROKER and ADMIN: two free addresses on loopback, BROKER_PORT the port of the first; KAFKA:
// a cluster that runs, and OWN: with what names there begin that no other script uses; REGISTRY, the address of a schema
// registry: see startRegistry; REPOSITORY, where the files of the repository are.
func TestScripts(t *testing.T) {
	cluster := kafkatest.Start(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			broker, admin, err := freeAddresses(t.Context())
			if err != nil {
				return err
			}
			_, port, err := net.SplitHostPort(broker)
			env.Setenv("BROKER", broker)
			env.Setenv("BROKER_PORT", port)
			env.Setenv("ADMIN", admin)
			env.Setenv("KAFKA", strings.Join(cluster.Brokers(), ","))
			env.Setenv("OWN", cluster.Name(filepath.Base(env.WorkDir)+"-"))
			env.Setenv("REGISTRY", startRegistry(env))
			root, rootErr := filepath.Abs(repository)
			env.Setenv("REPOSITORY", root)
			err = errors.Join(err, rootErr)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "ready": ready, "produce": produce, "settings": settings, "eventually": eventually,
		},
	})
}

// startRegistry starts an empty schema registry, but for the subject mixed-value, which has a version that we can read
// and one that we cannot. It takes no schema for refused-value.
func startRegistry(env *testscript.Env) string {
	r := srfake.New()
	env.Defer(r.Close)
	for i, fields := range []string{
		`{"name":"source_id","type":"string"},{"name":"source_kind","type":"string"},{"name":"payload","type":"string"}`,
		`{"name":"source_id","type":"string"},{"name":"source_kind","type":"string"}`,
	} {
		r.SeedSchema("mixed-value", i+1, 100+i, sr.Schema{Schema: `{"type":"record","name":"TaggerEvent","fields":[` + fields + `]}`})
	}
	r.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		status, body := http.StatusConflict, `{"error_code":409,"message":"incompatible: because"}`
		switch req.URL.Path {
		case "/subjects/refused-value/versions":
		case "/compatibility/subjects/refused-value/versions":
			status, body = http.StatusOK, `{"is_compatible":false,"messages":["because"]}`
		default:
			return false
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	})
	return r.URL()
}

// freeAddresses are two that nobody listens on at this moment.
func freeAddresses(ctx context.Context) (string, string, error) {
	var lc net.ListenConfig
	first, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	second, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", errors.Join(err, first.Close())
	}
	return first.Addr().String(), second.Addr().String(), errors.Join(first.Close(), second.Close())
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func settings(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: settings HOST:PORT TOPIC KEY=VALUE")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(args[0]))
	ts.Check(err)
	defer cl.Close()
	key, value, _ := strings.Cut(args[2], "=")
	altered, err := kadm.NewClient(cl).AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &value}}, args[1])
	ts.Check(err)
	_, err = altered.On(args[1], func(r *kadm.AlterConfigsResponse) error { return r.Err })
	ts.Check(err)
}

func ready(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ready HOST:PORT")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+args[0]+"/readyz", http.NoBody)
	ts.Check(err)
	var client http.Client
	defer client.CloseIdleConnections()
	for ; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		resp, err := client.Do(req)
		if err != nil {
			continue
		}
		ts.Check(resp.Body.Close())
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
	ts.Fatalf("the worker at %s is not ready after 20 s", args[0])
}

func produce(ts *testscript.TestScript, neg bool, args []string) {
	topic, number, found := "", "", false
	if len(args) == 3 {
		topic, number, found = strings.Cut(args[1], "/")
	}
	if !found {
		ts.Fatalf("usage: produce HOST:PORT TOPIC/PARTITION FILE")
	}
	partition, err := strconv.ParseUint(number, 10, 31)
	ts.Check(err)
	cl, err := kgo.NewClient(kgo.SeedBrokers(args[0]), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	ts.Check(err)
	defer cl.Close()
	for line := range strings.Lines(ts.ReadFile(args[2])) {
		r := &kgo.Record{Topic: topic, Partition: int32(partition), Key: []byte("k"), Value: []byte(strings.TrimSuffix(line, "\n"))} //nolint:gosec // 31 bits
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		err := cl.ProduceSync(ctx, r).FirstErr()
		cancel()
		if err != nil && neg {
			return
		}
		ts.Check(err)
	}
}

func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually OUTPUT PROGRAM [ARG...]")
	}
	want, err := regexp.Compile(args[0])
	ts.Check(err)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if err := ts.Exec(args[1], args[2:]...); err == nil && want.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("the output does not match %q after 20 s", args[0])
}
