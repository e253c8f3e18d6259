package app

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"

	"ttpworker/internal/yamlx"
)

// envPrefix begins the name of every environment variable that is ours.
const envPrefix = "DECNET_TTP_"

// maxConfigBytes bounds the configuration file.
const maxConfigBytes = 1 << 20

// Load reads the configuration: defaults, then the file, then the environment, then sets, each over what came
// before. file may be "". environ is as os.Environ gives it; sets are key=value with the keys of the file, such as
// kafka.group=x. An empty variable counts as none, since orchestrators pass those; an empty set empties a text or a
// list. Warnings name environment variables with our prefix that mean nothing: orchestrators inject
// some, so they are no error. The error joins all faults.
func Load(file string, environ, sets []string) (cfg Config, warnings []string, err error) {
	return LoadOver(DefaultConfig(), file, environ, sets)
}

// LoadOver is Load with other defaults: base.
func LoadOver(base Config, file string, environ, sets []string) (cfg Config, warnings []string, err error) {
	cfg = base
	if file != "" {
		if err := loadFile(file, &cfg); err != nil {
			return cfg, nil, err
		}
	}
	known, err := variables()
	if err != nil {
		return cfg, nil, err
	}
	var errs []error
	ours := map[string]string{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		switch {
		case !strings.HasPrefix(name, envPrefix):
		case known[name]:
			ours[name] = value
		default:
			warnings = append(warnings, fmt.Sprintf("environment variable %s means nothing here", name))
		}
	}
	errs = append(errs, setAll(&cfg, ours, func(name string) string { return "environment variable " + name }))
	flags, keys := map[string]string{}, map[string]string{}
	for _, kv := range sets {
		key, value, found := strings.Cut(kv, "=")
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
		switch {
		case !found:
			errs = append(errs, fmt.Errorf("--set %s: want key=value", kv))
		case !known[name]:
			errs = append(errs, fmt.Errorf("--set %s: unknown key", key))
		default:
			flags[name], keys[name] = value, key
		}
	}
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		if flags[name] != "" {
			continue
		}
		delete(flags, name)
		if !empty(reflect.ValueOf(&cfg).Elem(), envPrefix, name) {
			errs = append(errs, fmt.Errorf("--set %s: the value is empty", keys[name]))
		}
	}
	errs = append(errs, setAll(&cfg, flags, func(name string) string { return "--set " + keys[name] }))
	if err := errors.Join(errs...); err != nil {
		return cfg, warnings, err
	}
	slices.Sort(warnings)
	return cfg, warnings, cfg.Validate()
}

func loadFile(file string, cfg *Config) error {
	data, err := readBounded(file)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	doc, err := yamlx.Parse(data, maxConfigBytes)
	switch {
	case errors.Is(err, yamlx.ErrEmpty): // everything is commented out
		return nil
	case err == nil:
		err = doc.Decode(cfg)
	}
	return inFile(file, err)
}

// readBounded reads one byte more than yamlx takes at the most, so that an endless file is too large and no more.
func readBounded(file string) ([]byte, error) {
	f, err := os.Open(file) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxConfigBytes+1))
	return data, errors.Join(err, f.Close())
}

// inFile puts the file's name before every fault: file:line:column: where the place is known.
func inFile(file string, err error) error {
	if err == nil {
		return nil
	}
	faults := yamlx.Faults(err)
	errs := make([]error, len(faults))
	for i, fault := range faults {
		if placed, ok := errors.AsType[*yamlx.Error](fault); ok {
			errs[i] = fmt.Errorf("%s:%w", file, placed)
			continue
		}
		errs[i] = fmt.Errorf("%s: %w", file, fault)
	}
	return errors.Join(errs...)
}

// variables are the names of all environment variables that mean something.
func variables() (map[string]bool, error) {
	params, err := env.GetFieldParamsWithOptions(&Config{}, env.Options{Prefix: envPrefix})
	if err != nil {
		return nil, fmt.Errorf("listing configuration keys: %w", err)
	}
	known := map[string]bool{}
	for _, p := range params {
		if p.Key != envPrefix && p.OwnKey != "" {
			known[p.Key] = true
		}
	}
	return known, nil
}

// empty empties the text or list below v, a struct, whose environment variable is name. It reports whether there is
// one.
func empty(v reflect.Value, prefix, name string) bool {
	for i := range v.NumField() {
		field, tag := v.Field(i), v.Type().Field(i).Tag
		switch kind := field.Kind(); {
		case field.Type() == reflect.TypeFor[yamlx.Secret]() && prefix+tag.Get("env") == name:
			field.SetZero()
			return true
		case kind == reflect.Struct && empty(field, prefix+tag.Get("envPrefix"), name):
			return true
		case (kind == reflect.String || kind == reflect.Slice) && prefix+tag.Get("env") == name:
			field.SetZero()
			return true
		}
	}
	return false
}

// setAll sets the fields that values name, one at a time, so that an error can say which of them it is.
func setAll(cfg *Config, values map[string]string, called func(name string) string) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		err := env.ParseWithOptions(cfg, env.Options{Prefix: envPrefix, Environment: map[string]string{name: values[name]}})
		if err != nil {
			errs = append(errs, fmt.Errorf("%s=%q: %w", called(name), values[name], cause(err)))
		}
	}
	return errors.Join(errs...)
}

// cause digs out what strconv or time said: the decoder's own words name Go fields.
func cause(err error) error {
	for {
		next := errors.Unwrap(err)
		if many, ok := err.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) > 0 {
			next = many.Unwrap()[0]
		}
		if p, ok := errors.AsType[env.ParseError](err); ok && p.Err != nil {
			next = p.Err
		}
		if next == nil || next == err { //nolint:errorlint // the innermost
			return err
		}
		err = next
	}
}
