package main

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// repository is the root of the module, seen from this package.
const repository = "../.."

// A document is a Markdown file, taken apart.
type document struct {
	path   string // from the root of the repository
	blocks []passage
	prose  []passage // paragraphs, between the blocks
}

// A passage is a piece of a document.
type passage struct {
	file string
	line int    // of its first line of text
	lang string // of a fenced block, the first word behind the fence
	text string
}

// documents reads all Markdown files of the repository.
func documents(t *testing.T) []document {
	t.Helper()
	var docs []document
	fsys := os.DirFS(repository)
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && name != "."):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".md":
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		docs = append(docs, parseMarkdown(name, string(data)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(docs, func(d document) bool { return d.path == "README.md" }) {
		t.Fatal("no README.md found")
	}
	return docs
}

var fence = regexp.MustCompile("^( *)(```+|~~~+) *([^\\s`]*)")

// parseMarkdown knows fenced blocks and paragraphs. Other blocks of code count as paragraphs.
func parseMarkdown(file, text string) document {
	d := document{path: file}
	cur := passage{file: file}
	end := func() {
		if strings.TrimSpace(cur.text) != "" {
			d.prose = append(d.prose, cur)
		}
		cur = passage{file: file}
	}
	closing := "" // the fence that ends the block; "" outside of one
	indent := ""
	for i, line := range strings.SplitAfter(text, "\n") {
		open := fence.FindStringSubmatch(line)
		switch {
		case closing == "" && open != nil:
			end()
			indent, closing = open[1], open[2]
			cur = passage{file: file, line: i + 2, lang: open[3]}
		case closing == "" && strings.TrimSpace(line) == "":
			end()
		case closing == "":
			if cur.text == "" {
				cur.line = i + 1
			}
			cur.text += line
		case strings.HasPrefix(strings.TrimSpace(line), closing):
			d.blocks = append(d.blocks, cur)
			cur, closing = passage{file: file}, ""
		default:
			cur.text += strings.TrimPrefix(line, indent)
		}
	}
	end()
	return d
}

// anchors are what links to headings of the document say behind the #, as GitHub makes it from their text.
func (d document) anchors() []string {
	heading := regexp.MustCompile(`(?m)^#+ +(.*)$`)
	dropped := regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	var all []string
	for _, p := range d.prose {
		for _, m := range heading.FindAllStringSubmatch(p.text, -1) {
			all = append(all, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
		}
	}
	return all
}

func TestParseMarkdown(t *testing.T) {
	got := parseMarkdown("x.md", "One\ntwo.\n\n- Item:\n\n  ```sh\n  make x\n\n  make y\n  ```\nThree\n")
	if len(got.blocks) != 1 || got.blocks[0] != (passage{file: "x.md", line: 7, lang: "sh", text: "make x\n\nmake y\n"}) {
		t.Errorf("blocks = %+v, want the one in the list item", got.blocks)
	}
	want := []passage{
		{file: "x.md", line: 1, text: "One\ntwo.\n"},
		{file: "x.md", line: 4, text: "- Item:\n"},
		{file: "x.md", line: 11, text: "Three\n"},
	}
	if !slices.Equal(got.prose, want) {
		t.Errorf("prose = %+v, want %+v", got.prose, want)
	}
}
