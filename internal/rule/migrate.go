package rule

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"ttpworker/internal/attack"
	"ttpworker/internal/yamlx"
)

// A Migration says how a rule file gets from an earlier ATT&CK release to this one.
type Migration struct {
	Path string
	Text []byte  // the file with all changes; nil where there are none
	Diff string  // the same as a unified diff; "" where there are none
	Left []error // what somebody has to choose, one *Error each, in file order
}

// Migrate finds what of a rule file's text has to change for this ATT&CK release: techniques that were revoked become
// those that took their place, and tactics that do not list them any more become those that do, as attack.Move has it. In
// our own form these are the emits, what tests expect of them, and the rule_version, which is raised; in Sigma's the tags.
// Nothing else of the text changes. What is wrong with the file otherwise does not matter here. The error is about YAML
// that cannot be read. A file that was migrated has no changes.
func Migrate(path string, data []byte, maxBytes int) (Migration, error) {
	out := Migration{Path: path}
	doc, err := yamlx.Parse(data, maxBytes)
	if err != nil {
		return out, placed(path, err)
	}
	var root *yamlx.Node
	if err := doc.Decode(&root); err != nil {
		rep := newReport(doc)
		rep.addAll(err)
		return out, rep.err(path, "")
	}
	m := migrator{report: newReport(doc), data: data, root: root}
	id := root.Get("rule_id")
	if isSigma(doc) {
		id = root.Get("id")
		m.tags()
	} else {
		m.emits()
	}
	if len(m.edits) > 0 {
		out.Text, err = yamlx.Apply(data, m.edits)
		if err == nil {
			out.Diff, err = yamlx.Diff(path, data, m.edits)
		}
		if err != nil {
			m.add(&yamlx.Error{Pos: root.Pos, Err: err})
			out.Text, out.Diff = nil, ""
		}
	}
	name := ""
	if id != nil {
		name = id.Text
	}
	out.Left = yamlx.Faults(m.err(path, name))
	return out, nil
}

// ReadMigrations migrates every rule file below root of fsys, as Read reads them, and returns those where something
// changes or is left.
func ReadMigrations(fsys fs.FS, root, prefix string, maxBytes int, except string) (files []Migration, read int, err error) {
	err = walkFiles(fsys, root, prefix, maxBytes, except, func(path string, data []byte) error {
		m, err := Migrate(path, data, maxBytes)
		read++
		if m.Text != nil || len(m.Left) > 0 {
			files = append(files, m)
		}
		return err
	})
	return files, read, err
}

// A migrator collects the edits to one file, and in its report what is left.
type migrator struct {
	*report

	data  []byte
	root  *yamlx.Node
	edits []yamlx.Edit
}

func (m *migrator) leave(n *yamlx.Node, err error) { m.add(&yamlx.Error{Pos: n.Pos, Err: err}) }

// replace has n read text.
func (m *migrator) replace(n *yamlx.Node, text string) error {
	e, err := yamlx.Replace(m.data, n, text)
	if err == nil {
		m.edits = append(m.edits, e)
	}
	return err
}

// An emitted is an emit as it is written.
type emitted struct {
	node                   *yamlx.Node
	tactic, technique, sub string // "" where there is none
}

func (e emitted) id() string { return cmp.Or(e.sub, e.technique) }

// same reports whether both would be one tag.
func (e emitted) same(o emitted) bool {
	return e.tactic == o.tactic && e.technique == o.technique && e.sub == o.sub
}

func emittedOf(n *yamlx.Node) emitted {
	text := func(key string) string {
		if v := n.Get(key); v != nil {
			return v.Text
		}
		return ""
	}
	return emitted{n, text("tactic"), text("technique_id"), text("sub_technique_id")}
}

// emits migrates a rule of our own form.
func (m *migrator) emits() {
	list := m.root.Get("emits")
	if list == nil {
		return
	}
	var old, kept []emitted
	for _, n := range list.Items {
		if e := emittedOf(n); attack.Check(e.tactic, e.technique, e.sub) == nil {
			kept = append(kept, e)
		} else {
			old = append(old, e)
		}
	}
	moved := map[string]string{}
	for _, e := range old {
		now, err := m.move(e, kept)
		if err != nil {
			for _, fault := range yamlx.Faults(err) {
				m.leave(e.node, fault)
			}
			now = e
		} else if now.id() != e.id() {
			moved[e.id()] = now.id()
		}
		kept = append(kept, now)
	}
	for _, e := range kept {
		delete(moved, e.id()) // still emitted
	}
	if len(m.edits) > 0 {
		m.expectations(moved)
		m.raise()
	}
}

// move edits an emit, all of it or nothing, to what it is in this release, which none of kept is to be.
func (m *migrator) move(e emitted, kept []emitted) (now emitted, err error) {
	tactic, id, err := attack.Move(e.tactic, e.id())
	if err != nil {
		return now, err
	}
	now = emitted{node: e.node, tactic: tactic, technique: id}
	if old, _ := attack.Lookup(id); old.IsSub() {
		now.technique, now.sub = old.Parent(), id
	}
	if id == e.id() && (now.technique != e.technique || now.sub != e.sub) { // it never was right
		return now, attack.Check(e.tactic, e.technique, e.sub)
	}
	if slices.ContainsFunc(kept, now.same) {
		return now, fmt.Errorf("technique %s is %s under %s today, which this rule emits already: take one of them out", e.id(), id, tactic)
	}
	before := len(m.edits)
	if err := m.rewrite(e, now); err != nil {
		m.edits = m.edits[:before]
		return now, fmt.Errorf("write tactic %s, technique_id %s, sub_technique_id %s: %w", now.tactic, now.technique, cmp.Or(now.sub, "null"), err)
	}
	return now, nil
}

func (m *migrator) rewrite(e, now emitted) error {
	var errs []error
	for _, field := range []struct{ key, was, is string }{
		{"tactic", e.tactic, now.tactic}, {"technique_id", e.technique, now.technique}, {"sub_technique_id", e.sub, now.sub},
	} {
		switch n := e.node.Get(field.key); {
		case field.was == field.is:
		case n != nil:
			errs = append(errs, m.replace(n, cmp.Or(field.is, "null")))
		default:
			edit, err := yamlx.InsertAfter(m.data, e.node, "technique_id", field.key, field.is)
			m.edits = append(m.edits, edit)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// expectations has the tests expect what took the place of techniques.
func (m *migrator) expectations(moved map[string]string) {
	tests := m.root.Get("tests")
	if tests == nil {
		return
	}
	for _, test := range tests.Items {
		expect := test.Get("expect")
		if expect == nil {
			continue
		}
		items := expect.Items
		if expect.Kind == yamlx.TextNode {
			items = []*yamlx.Node{expect}
		}
		for _, n := range items {
			now, old := moved[n.Text]
			if !old {
				continue
			}
			if err := m.replace(n, now); err != nil {
				m.leave(n, fmt.Errorf("expect %s in place of %s: %w", now, n.Text, err))
			}
		}
	}
}

// raise raises the rule_version: the rule means something else.
func (m *migrator) raise() {
	n := m.root.Get("rule_version")
	if n == nil {
		return
	}
	version, err := strconv.Atoi(n.Text)
	if err == nil {
		err = m.replace(n, strconv.Itoa(version+1))
	}
	if err != nil {
		m.leave(n, errors.New("raise the rule_version"))
	}
}
