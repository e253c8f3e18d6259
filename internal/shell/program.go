package shell

import "bytes"

// A kind says what a program does with its arguments.
type kind uint8

const (
	other    kind = iota
	wrapper       // runs them, behind its own options
	runner        // sh: runs the text behind -c, or what it reads
	joiner        // eval: runs them as one text
	login         // su: runs the text behind -c
	remote        // ssh: runs what is behind the host and its options, as one text
	finder        // find: runs what is behind -exec
	first         // trap: runs the text that is its first operand
	queuer        // at: runs what it reads
	reader        // source: runs what is in a file
	setter        // export: assigns
	silent        // true: writes nothing
	echoer        // echo
	printer       // printf
	copier        // cat: writes what it reads, if it names no file
	passer        // tee: writes what it reads
	base64er      // base64 -d: writes what its input is the Base64 form of
	hexer         // xxd -r -p: the same of hexadecimal digits
	crypter       // openssl base64 -d
	reverser      // rev
)

// A program is what has to be known of one to see what it runs. Options are known only as far as they take an argument
// as a word of its own.
type program struct {
	kind     kind
	args     string   // short options with an argument
	long     []string // long ones
	stop     string   // short options with which it runs nothing
	operands int      // words before what it runs
	assigns  bool     // a=b may stand before what it runs
}

// known are the programs that run others, or whose output follows from the text. It is never changed.
var known = map[string]program{
	"sudo": {
		kind: wrapper, args: "ugpCrtTUhRD", stop: "leKkvV", assigns: true,
		long: []string{"--user", "--group", "--prompt", "--host", "--chdir", "--chroot", "--role", "--type", "--close-from"},
	},
	"doas":     {kind: wrapper, args: "uCa"},
	"pkexec":   {kind: wrapper, long: []string{"--user"}},
	"env":      {kind: wrapper, args: "uC", long: []string{"--unset", "--chdir"}, assigns: true},
	"nohup":    {kind: wrapper},
	"setsid":   {kind: wrapper},
	"exec":     {kind: wrapper, args: "a"},
	"command":  {kind: wrapper, stop: "vV"},
	"builtin":  {kind: wrapper},
	"time":     {kind: wrapper, args: "fo"},
	"nice":     {kind: wrapper, args: "n", long: []string{"--adjustment"}},
	"ionice":   {kind: wrapper, args: "cn", stop: "pPu"},
	"chrt":     {kind: wrapper, stop: "mp", operands: 1},
	"taskset":  {kind: wrapper, stop: "p", operands: 1},
	"timeout":  {kind: wrapper, args: "sk", long: []string{"--signal", "--kill-after"}, operands: 1},
	"stdbuf":   {kind: wrapper, args: "ioe"},
	"nsenter":  {kind: wrapper, args: "tSG", long: []string{"--target"}},
	"unbuffer": {kind: wrapper},
	"chroot":   {kind: wrapper, operands: 1},
	"unshare":  {kind: wrapper, args: "SG"},
	"busybox":  {kind: wrapper, stop: "-"},
	"toybox":   {kind: wrapper, stop: "-"},
	"xargs":    {kind: wrapper, args: "InPLsdaE", long: []string{"--max-args", "--max-procs", "--delimiter", "--arg-file", "--max-lines"}},
	"systemd-run": {
		kind: wrapper, args: "upEHMS",
		long: []string{"--unit", "--property", "--setenv", "--on-calendar", "--on-active", "--on-boot", "--uid", "--gid", "--slice", "--description"},
	},
	"flock":       {kind: wrapper, args: "wE", operands: 1},
	"sshpass":     {kind: wrapper, args: "pfdP"},
	"torsocks":    {kind: wrapper},
	"torify":      {kind: wrapper},
	"proxychains": {kind: wrapper, args: "f"}, "proxychains4": {kind: wrapper, args: "f"},

	"sh": {kind: runner}, "bash": {kind: runner}, "ash": {kind: runner}, "dash": {kind: runner}, "zsh": {kind: runner},
	"ksh": {kind: runner}, "mksh": {kind: runner}, "hush": {kind: runner}, "rbash": {kind: runner},
	"$SHELL": {kind: runner}, "${SHELL}": {kind: runner}, "$BASH": {kind: runner}, "$0": {kind: runner},
	"at": {kind: queuer}, "batch": {kind: queuer},
	"eval":    {kind: joiner},
	"watch":   {kind: joiner, args: "n", long: []string{"--interval"}},
	"su":      {kind: login},
	"runuser": {kind: login},
	"script":  {kind: login},
	"ssh":     {kind: remote, args: "bBcDEeFIiJLlmOopPQRSWw"},
	"find":    {kind: finder},
	"trap":    {kind: first},
	"source":  {kind: reader}, ".": {kind: reader},
	"export": {kind: setter}, "declare": {kind: setter}, "local": {kind: setter}, "readonly": {kind: setter}, "typeset": {kind: setter},
	"true": {kind: silent}, ":": {kind: silent},
	"cat":     {kind: copier},
	"tee":     {kind: passer},
	"echo":    {kind: echoer},
	"printf":  {kind: printer},
	"base64":  {kind: base64er},
	"xxd":     {kind: hexer},
	"openssl": {kind: crypter},
	"rev":     {kind: reverser},
}

// inner is where among words the command begins that the wrapper runs which words begin with; 0 = it runs none.
func (w *program) inner(p *Parser, words []word) int {
	i := w.options(p, words)
	if i == 0 {
		return 0
	}
	for w.assigns && i < len(words) && isAssignment(p.text(words[i])) {
		i++
	}
	if i += w.operands; i < len(words) {
		return i
	}
	return 0
}

// options is where among words the options end; 0 = there is one with which nothing is run.
func (w *program) options(p *Parser, words []word) int {
	i := 1
	for i < len(words) {
		o := p.text(words[i])
		if o[0] != '-' {
			break
		}
		i++
		switch {
		case len(o) == 1:
		case o[1] != '-':
			for j, c := range o[1:] {
				if bytes.IndexByte([]byte(w.stop), c) >= 0 {
					return 0
				}
				if bytes.IndexByte([]byte(w.args), c) >= 0 {
					if j+2 == len(o) {
						i++
					}
					break
				}
			}
		case len(o) == 2:
			return i
		case w.stop == "-":
			return 0
		default:
			for _, long := range w.long {
				if string(o) == long {
					i++
				}
			}
		}
	}
	return min(i, len(words))
}

// base is where in a program's path its name begins.
func base(path []byte) int {
	i := bytes.LastIndexByte(path, '/') + 1
	if i == 0 || i == len(path) || bytes.ContainsAny(path, " \t\n") {
		return 0 // a directory, or what is no path
	}
	return i
}
