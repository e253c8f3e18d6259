package lift

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"ttpworker/internal/match"
	"ttpworker/internal/tagger"
	"ttpworker/internal/yamlx"
)

// A Use is what a rule says to the lifter that it names.
type Use struct {
	Lifter     string      // the name
	Parameters *yamlx.Node // match.parameters; nil = the rule gives none
	Kinds      []string    // applies_to
	Emits      []tagger.Emit
	Evidence   []string                    // evidence_fields
	At         func(path ...any) yamlx.Pos // where a value of the rule's file stands
	Limits     match.Limits                // of regular expressions; 0 = the default
}

// A Lift is a lifter as one rule uses it. It is never changed.
type Lift struct {
	Name       string
	Parameters map[string]any // all of them, defaults resolved; JSON once encoded

	kinds    []string
	emits    []tagger.Emit
	evidence []string
	identity bool
	logic    logic
}

// Compile checks what a rule says to its lifter. The error joins one *yamlx.Error per fault; there is no Lift then.
func Compile(u Use) (*Lift, error) {
	l, ok := find(u.Lifter)
	if !ok {
		return nil, &yamlx.Error{Pos: u.At("match", "kind"), Err: fmt.Errorf("unknown lifter %q: %s", u.Lifter, namesFor(u.Kinds))}
	}
	u.Limits.Regexp = cmp.Or(u.Limits.Regexp, match.DefaultLimits().Regexp)
	b := &use{Use: u}
	b.kinds(&l)
	b.parameters(&l)
	b.evidence()
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	logic := l.build(b)
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	return &Lift{
		Name: l.name, Parameters: b.values, kinds: slices.Clone(u.Kinds), emits: slices.Clone(u.Emits), evidence: slices.Clone(u.Evidence),
		identity: l.identity, logic: logic,
	}, nil
}

// Fires says for people when a rule of l fires; what stands between ` is a field, a parameter or a value.
func (l *Lift) Fires() string {
	known, _ := find(l.Name) // it is there: Compile has found it
	return known.finds
}

// A use is a Use being compiled.
type use struct {
	Use

	values map[string]any // of the parameters
	errs   []error
}

// fault reports what is wrong with the value at a path of the rule's file. A lifter's build may do so, too.
func (u *use) fault(err error, path ...any) { u.faultAt(u.At(path...), err) }

func (u *use) faultAt(at yamlx.Pos, err error) {
	u.errs = append(u.errs, &yamlx.Error{Pos: at, Err: err})
}

func (u *use) kinds(l *lifter) {
	for i, kind := range u.Kinds {
		if !slices.Contains(l.kinds, kind) {
			u.fault(fmt.Errorf("lifter %q does not read events of kind %q, only %s", l.name, kind, strings.Join(l.kinds, ", ")), "applies_to", i)
		}
	}
}

func (u *use) parameters(l *lifter) {
	u.values = make(map[string]any, len(l.params))
	for _, p := range l.params {
		u.values[p.name] = p.def
	}
	if u.Parameters == nil {
		return
	}
	if u.Parameters.Kind != yamlx.MapNode {
		u.faultAt(u.Parameters.Pos, fmt.Errorf("want a mapping of parameters, got %s", u.Parameters.Found()))
		return
	}
	for i, key := range u.Parameters.Keys {
		at := slices.IndexFunc(l.params, func(p param) bool { return p.name == key.Text })
		if at < 0 {
			u.faultAt(key.Pos, fmt.Errorf("unknown parameter %q of lifter %q; %s", key.Text, l.name, known(l.params)))
			continue
		}
		value, err := l.params[at].read(u.Parameters.Items[i], u.Limits)
		if err != nil {
			u.errs = append(u.errs, yamlx.Faults(err)...)
			continue
		}
		u.values[key.Text] = value
	}
}

// evidence refuses fields that do not leave the sensor network in tags of any kind of the rule.
func (u *use) evidence() {
	var may []string
	for _, kind := range u.Kinds {
		may = append(may, shown(kind).fields...)
	}
	slices.Sort(may)
	may = slices.Compact(may)
	for i, field := range u.Evidence {
		if len(u.Kinds) > 0 && !slices.Contains(may, field) {
			u.fault(fmt.Errorf("evidence field %q may not leave in a tag about %s; these may: %s", field, strings.Join(u.Kinds, ", "),
				cmp.Or(strings.Join(may, ", "), "none")), "evidence_fields", i)
		}
	}
}

func value[T any](u *use, name string) T { return u.values[name].(T) } //nolint:forcetypeassert // the lifter's own parameter

func (u *use) count(name string) int64      { return value[int64](u, name) }
func (u *use) number(name string) float64   { return value[float64](u, name) }
func (u *use) truth(name string) bool       { return value[bool](u, name) }
func (u *use) text(name string) string      { return value[string](u, name) }
func (u *use) texts(name string) []string   { return value[[]string](u, name) }
func (u *use) pairs(name string) [][]string { return value[[][]string](u, name) }

// patterns compiles a parameter that is a list of regular expressions.
func (u *use) patterns(name string) []*regexp.Regexp {
	var out []*regexp.Regexp
	for _, expr := range u.texts(name) {
		out = append(out, regexp.MustCompile(expr)) // read has parsed it
	}
	return out
}
