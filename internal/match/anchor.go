package match

import "strings"

// An anchorSet is a necessary condition: the expression that it was chosen for is false unless one of the atoms is
// true. cost estimates how often one of them is, in some unit.
type anchorSet struct {
	atoms []int32 // numbers in the index; ^slot = that the field is there, which may have no number yet
	cost  int
	ok    bool // there is a necessary condition
}

// anchor chooses the cheapest necessary condition of the node at i; negated says that the node stands below an odd
// number of negations.
func (b *Builder) anchor(d *indexed, i int32, negated bool) anchorSet {
	n := &d.code[i]
	switch {
	case n.op == exprAtom && negated:
		return anchorSet{}
	case n.op == exprAtom:
		return b.anchorOf(d.global[n.atom])
	case n.op == exprNot:
		return b.anchor(d, i+1, !negated)
	}
	all := (n.op == exprOr) != negated // each of the alternatives needs one
	set := anchorSet{ok: all}
	for k := i + 1; k < n.end; k = d.code[k].end {
		one := b.anchor(d, k, negated)
		switch {
		case all && !one.ok:
			return anchorSet{}
		case all:
			set.atoms = append(set.atoms, one.atoms...)
			set.cost += one.cost
		case one.ok && (!set.ok || one.cost < set.cost):
			set = one
		}
	}
	return set
}

// anchorOf is the necessary condition of one atom: itself if the scan can see it, else what it needs, else that its
// field is there.
func (b *Builder) anchorOf(n int32) anchorSet {
	a := &b.atoms[n]
	switch {
	case a.op.isLiteral() && scannable(a.op, a.text), a.op == opPresent:
		return anchorSet{[]int32{n}, b.cost(n), true}
	case a.op == opNull:
		return anchorSet{[]int32{n}, presentCost, true}
	}
	set := anchorSet{atoms: a.needs, ok: len(a.needs) > 0}
	for _, need := range a.needs {
		set.cost += b.cost(need)
	}
	present := presentCost
	if p := b.x.fields[a.slot].present; p >= 0 {
		present = b.cost(p)
	}
	switch {
	case set.ok && (a.field == keywordField || set.cost < present):
		return set
	case a.field == keywordField:
		return anchorSet{}
	}
	return anchorSet{[]int32{^a.slot}, present, true}
}

// scannable reports whether the scan can look for a literal.
func scannable(o op, text string) bool {
	switch o {
	case opExact:
		return true
	case opContains:
		return len(text) >= shortGram
	default:
		return text != ""
	}
}

// Costs are about how often an atom is true in a million payloads.
const (
	presentCost = 300_000 // of a field being there: the last resort
	commonCost  = 20_000  // of a literal that is in commonText
	usedCost    = 40      // per use of an atom, up to maxUses: what many rules look for is common
	maxUses     = 50
)

// cost estimates how often an atom is true. The longer a literal, the rarer.
func (b *Builder) cost(n int32) int {
	a, cost := &b.atoms[n], usedCost*int(min(b.refs[n], maxUses))
	if !a.op.isLiteral() {
		return cost + presentCost
	}
	if b.isCommon(a.text) {
		cost += commonCost
	}
	switch n := len(a.text); {
	case a.op != opContains:
		return cost + 100
	case n < gramSize:
		return cost + 8_000/(n*n)
	default:
		return cost + 1_600/n
	}
}

// isCommon reports whether a text is in commonText, of which all grams have been counted.
func (b *Builder) isCommon(text string) bool {
	return (len(text) < gramSize || b.grams[gramAt(text, 0)] >= commonCost) && strings.Contains(commonText, text)
}

// commonText is a sample of what stands in the events of most sensors, folded: a literal or a gram in it tells little.
var commonText = Fold(strings.Join([]string{
	`C:\Windows\System32\svchost.exe -k netsvcs -p -s Schedule`, `C:\Windows\SysWOW64\cmd.exe /c `, `C:\Windows\explorer.exe`,
	`C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe -NoProfile -ExecutionPolicy Bypass -Command "& {"`,
	`"C:\Program Files\Google\Chrome\Application\chrome.exe" --type=renderer`, `C:\Program Files (x86)\Microsoft\Edge\msedge.exe`,
	`C:\Users\user\AppData\Local\Temp\`, `C:\Users\user\AppData\Roaming\Microsoft\Windows\`, `C:\ProgramData\`, `C:\Windows\Temp\`,
	`C:\Windows\System32\rundll32.exe`, `C:\Windows\System32\reg.exe add `, `net.exe`, `wscript.exe`, `conhost.exe 0xffffffff -ForceV1`,
	`Microsoft Corporation`, `Microsoft Windows Operating System`, `Windows Command Processor`, `NT AUTHORITY\SYSTEM`, `NT AUTHORITY\NETWORK SERVICE`,
	`HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run`, `HKU\S-1-5-21-`, `\Registry\Machine\System\CurrentControlSet\Services\`,
	`DWORD (0x00000001)`, `SetValue`, `Microsoft-Windows-Sysmon`, `Security`, `System`, `true`, `false`, `Success`, `Failure`, `Medium`, `High`,
	`http://www.example.com/index.php?id=1`, `https://example.com/`, `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36`,
	`GET`, `POST`, `200`, `404`, `/bin/bash -c `, `/usr/bin/python3`, `/etc/`, `/tmp/`, `/home/`, `/var/`, `root`, `sudo `,
	`.exe`, `.dll`, `.com`, `.org`, `.net`, `127.0.0.1`, `192.168.`, `10.0.`, `eventSource`, `amazonaws.com`, `SHA256=`, `MD5=`, `IMPHASH=`,
}, "\n"))
