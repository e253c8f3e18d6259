package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gopkg.in/yaml.v3" //nolint:depguard // the test must see the configuration as others do

	"ttpworker/internal/app"
	"ttpworker/internal/kafka"
	"ttpworker/internal/yamlx"
)

// Every secret of the configuration has a text of its own; none of them may be in anything that is made of it.
func TestNothingMadeOfTheConfigurationShowsItsSecrets(t *testing.T) {
	t.Parallel()
	cfg := app.DefaultConfig()
	var secrets []string
	fill(reflect.ValueOf(&cfg).Elem(), &secrets)
	if len(secrets) < 2 {
		t.Fatalf("%d secrets found in the configuration, want all", len(secrets))
	}
	cfg.Kafka.SASL.Mechanism, cfg.Kafka.SASL.Username = "plain", "u"
	cluster, err := kafka.NewCluster(cfg.Kafka, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("all", "config", cfg, "pointer", &cfg, "kafka", cfg.Kafka, "sasl", cfg.Kafka.SASL, "password", cfg.Kafka.SASL.Password)
	}
	shown := map[string]string{"a log": log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown[verb+" of the configuration"] = fmt.Sprintf(verb+verb, cfg, &cfg)
		shown[verb+" of the cluster"] = fmt.Sprintf(verb, cluster)
		shown[verb+" of a connection"] = fmt.Sprintf(verb, &app.Connection{Cluster: cluster})
		shown[verb+" of the client's options"] = fmt.Sprintf(verb, cluster.Options("x"))
	}
	encoded, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	shown["JSON"] = string(encoded)
	if encoded, err = yaml.Marshal(cfg); err != nil {
		t.Fatal(err)
	}
	shown["YAML"] = string(encoded)
	cfg.Kafka.SASL.Mechanism = "nonsense"
	shown["an error of Validate"] = fmt.Sprint(cfg.Validate())
	cfg.Kafka.SASL.Mechanism = "scram-sha-256"
	shown["another error of Validate"] = fmt.Sprint(cfg.Validate())
	for way, text := range shown {
		for _, secret := range secrets {
			if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s shows the secret %s: %s", way, secret, text)
			}
		}
	}
}

// fill gives every secret below v a text and appends it to secrets.
func fill(v reflect.Value, secrets *[]string) {
	for i := range v.NumField() {
		switch field := v.Field(i); {
		case field.Type() == reflect.TypeFor[yamlx.Secret]():
			text := fmt.Sprintf("secret-%s-%d", v.Type().Field(i).Name, len(*secrets))
			field.Set(reflect.ValueOf(yamlx.NewSecret(text)))
			*secrets = append(*secrets, text)
		case field.Kind() == reflect.Struct:
			fill(field, secrets)
		}
	}
}

func TestWhatIsWrongWithTheConfigurationIsToldWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	file := filepath.Join(t.TempDir(), "worker.yaml")
	text := "kafka:\n  sasl:\n    mechanism: plain\n    username: u\n    password: hunter2\n    client_secret: [hunter2]\n    password_file: x\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for way, load := range map[string]func() (app.Config, []string, error){
		"a file": func() (app.Config, []string, error) { return app.Load(file, nil, nil) },
		"the variables": func() (app.Config, []string, error) {
			return app.Load("", []string{"DECNET_TTP_KAFKA_SASL_PASSWORD=hunter2"}, nil)
		},
		"--set": func() (app.Config, []string, error) {
			return app.Load("", nil, []string{"kafka.sasl.client_secret=hunter2"})
		},
		"a typo": func() (app.Config, []string, error) { return app.Load("", nil, []string{"kafka.sasl.passwd=hunter2"}) },
	} {
		if _, warnings, err := load(); err == nil || strings.Contains(fmt.Sprint(err, warnings), secret) {
			t.Errorf("Load of faults in %s = %v, %q, want faults without the secret", way, err, warnings)
		}
	}
	// A secret is emptied like any text.
	cfg, _, err := app.Load("", []string{"DECNET_TTP_KAFKA_SASL_PASSWORD=hunter2"}, []string{"kafka.sasl.password="})
	if err != nil || !cfg.Kafka.SASL.Password.IsZero() {
		t.Errorf("Load with an empty set of a secret = %v, %v, want no password", cfg.Kafka.SASL.Password.IsZero(), err)
	}
}
