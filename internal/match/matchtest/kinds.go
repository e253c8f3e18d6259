package matchtest

import (
	"path"
	"strconv"
	"strings"
)

// suspicious is in how many of a thousand ordinary events somebody does what some rule looks for. A few others match
// by themselves, as they do in every network.
const suspicious = 12

// ordinary makes an event of some kind, most often a process creation.
func (g *Generator) ordinary() {
	g.event = g.event[:0]
	switch n := g.below(100); {
	case n < 50:
		g.process()
	case n < 60:
		g.registry()
	case n < 68:
		g.file()
	case n < 76:
		g.connection()
	case n < 82:
		g.query()
	case n < 88:
		g.image()
	case n < 91:
		g.script()
	case n < 95:
		g.linux()
	case n < 98:
		g.web()
	default:
		g.cloud()
	}
}

// header adds what every event of a Windows sensor begins with.
func (g *Generator) header(id int) {
	g.event.addRaw("EventID", strconv.Itoa(id))
	g.event.add("UtcTime", g.time(' '))
	g.event.add("ProcessGuid", g.expand("{{h}-0A3C-{n}-{n}-{h}0600}"))
	g.event.addRaw("ProcessId", g.number(60_000))
}

func (g *Generator) number(below int) string { return strconv.Itoa(g.below(below)) }

// time returns a moment of a day in March.
func (g *Generator) time(separator byte) string {
	ms := g.below(24 * 60 * 60 * 1000)
	b := append(append(g.text[:0], "2026-03-17"...), separator)
	for _, unit := range []struct{ size, of, width int }{{3_600_000, 24, 2}, {60_000, 60, 2}, {1000, 60, 2}, {1, 1000, 3}} {
		digits := strconv.Itoa(ms / unit.size % unit.of)
		for range unit.width - len(digits) {
			b = append(b, '0')
		}
		b = append(append(b, digits...), ':')
	}
	b[len(b)-5] = '.'
	g.text = b[:len(b)-1]
	return string(g.text)
}

func (g *Generator) process() {
	p, parent := &programs[g.below(len(programs))], &parents[g.below(len(parents))]
	if p.service {
		parent = &parents[0]
	}
	g.header(1)
	e := &g.event
	e.add("Image", p.image)
	if g.chance(750) { // sensors are often set to leave these out
		e.add("FileVersion", g.expand("10.{n}"))
		e.add("Description", p.description)
		e.add("Product", p.product)
		e.add("Company", p.company)
		e.add("OriginalFileName", base(p.image))
	}
	e.add("CommandLine", g.expand(g.pick(p.commands)))
	e.add("CurrentDirectory", p.directory)
	e.add("User", g.expand(`MEADOW\{u}`))
	if g.chance(400) {
		e.add("LogonGuid", g.expand("{{h}-0A3C-{n}-0000-{h}}"))
		e.addRaw("TerminalSessionId", g.number(4))
	}
	e.add("LogonId", g.expand("0x{h}"))
	e.add("IntegrityLevel", g.pick([]string{"Medium", "Medium", "Low", "High"}))
	e.add("Hashes", g.expand("MD5={m}"))
	e.addRaw("ParentProcessId", g.number(60_000))
	e.add("ParentImage", parent.image)
	e.add("ParentCommandLine", g.expand(g.pick(parent.commands)))
}

func (g *Generator) file() {
	g.header(11)
	g.event.add("Image", programs[g.below(len(programs))].image)
	g.event.add("TargetFilename", g.expand(g.pick(files)))
	g.event.add("CreationUtcTime", g.time(' '))
	g.event.add("User", g.expand(`MEADOW\{u}`))
}

func (g *Generator) registry() {
	g.header(13)
	g.event.add("EventType", "SetValue")
	g.event.add("Image", programs[g.below(len(programs))].image)
	g.event.add("TargetObject", g.expand(g.pick(registryKeys)))
	g.event.add("Details", g.expand(g.pick(registryValues)))
	g.event.add("User", g.expand(`MEADOW\{u}`))
}

func (g *Generator) connection() {
	g.header(3)
	e := &g.event
	e.add("Image", programs[g.below(connected)].image)
	e.add("User", g.expand(`MEADOW\{u}`))
	e.add("Protocol", "tcp")
	e.add("Initiated", g.pick([]string{"true", "false"}))
	e.add("SourceIp", g.expand("{a}"))
	e.add("SourceHostname", g.pick(hosts))
	e.addRaw("SourcePort", strconv.Itoa(49_152+g.below(16_000)))
	e.add("DestinationIp", g.expand("{a}"))
	e.add("DestinationHostname", g.expand("{d}"))
	e.addRaw("DestinationPort", g.pick([]string{"443", "443", "8443", "9093"}))
}

func (g *Generator) query() {
	g.header(22)
	g.event.add("QueryName", g.expand("{d}"))
	g.event.add("QueryStatus", "0")
	g.event.add("QueryResults", g.expand("::ffff:{a};::ffff:{a};"))
	g.event.add("Image", programs[2+g.below(2)].image)
	g.event.add("User", g.expand(`MEADOW\{u}`))
}

func (g *Generator) image() {
	p := &programs[g.below(len(programs))]
	g.header(7)
	g.event.add("Image", p.image)
	g.event.add("ImageLoaded", g.expand(g.pick(libraries)))
	g.event.add("FileVersion", g.expand("10.{n}"))
	g.event.add("Company", p.company)
	g.event.add("Hashes", g.expand("MD5={m}"))
	g.event.add("Signed", "true")
	g.event.add("SignatureStatus", "Valid")
	g.event.add("User", g.expand(`MEADOW\{u}`))
}

func (g *Generator) script() {
	e := &g.event
	e.addRaw("EventID", "4104")
	e.add("Channel", "PowerShell/Operational")
	e.add("Computer", g.pick(hosts))
	e.addRaw("MessageNumber", "1")
	e.addRaw("MessageTotal", "1")
	e.add("ScriptBlockId", g.expand("{h}-0A3C-{n}-0000-{h}0600"))
	e.add("ScriptBlockText", g.expand(g.pick(scripts)))
	e.add("Path", g.expand(`D:\Work\{w}.ps1`))
}

// linux makes the record of an execution as auditd has it, which calls nothing an image: rules that say which images
// are not looked for, and rely on their log source for the rest, would meet every one of them.
func (g *Generator) linux() {
	c := linuxCommands[g.below(len(linuxCommands))]
	e := &g.event
	e.add("type", "EXECVE")
	e.add("timestamp", g.time('T'))
	e.add("node", g.expand("lx-{n}"))
	e.addRaw("pid", g.number(60_000))
	e.addRaw("ppid", g.number(60_000))
	e.addRaw("auid", g.number(2000))
	e.addRaw("ses", g.number(500))
	e.add("exe", c[0])
	e.add("cwd", g.expand("/srv/{w}"))
	e.add("success", "yes")
	e.addRaw("argc", strconv.Itoa(len(c)-1))
	for i, arg := range c[1:] {
		e.add("a"+strconv.Itoa(i), g.expand(arg))
	}
	e.add("key", "exec")
}

func (g *Generator) web() {
	e := &g.event
	e.add("date", g.time('T'))
	e.add("c-ip", g.expand("{a}"))
	e.add("cs-method", g.pick([]string{"GET", "GET", "GET", "POST", "HEAD"}))
	e.add("cs-host", g.expand("{d}"))
	uri := g.expand(g.pick(paths))
	stem, query, _ := strings.Cut(uri, "?")
	e.add("c-uri", uri)
	e.add("cs-uri-stem", stem)
	e.add("cs-uri-query", query)
	e.addRaw("sc-status", g.pick([]string{"200", "200", "200", "304", "404"}))
	e.addRaw("sc-bytes", g.number(200_000))
	e.add("c-useragent", g.expand(g.pick(agents)))
	e.add("cs-referer", g.expand("https://{d}/"))
}

func (g *Generator) cloud() {
	call := cloudCalls[g.below(len(cloudCalls))]
	e := &g.event
	e.add("eventTime", g.time('T'))
	e.add("eventSource", call[0])
	e.add("eventName", call[1])
	e.add("awsRegion", "eu-central-1")
	e.add("sourceIPAddress", g.expand("{a}"))
	e.add("userAgent", g.expand("pw-sdk/1.{n}"))
	e.add("userIdentity.type", "AssumedRole")
	e.add("userIdentity.principalId", g.expand("AROA{h}:{u}"))
	e.add("userIdentity.sessionContext.attributes.mfaAuthenticated", "true")
	e.addRaw("requestParameters.maxResults", g.number(1000))
	e.add("requestParameters.bucketName", g.expand("{w}-{n}"))
	e.addRaw("resources", g.expand(`[{"type":"bucket","ARN":"arn:aws:s3:::{w}-{n}"},{"type":"key","tags":["{w}","{w}"]}]`))
}

// suspect has somebody do what rules of the public set look for.
func (g *Generator) suspect() {
	s := suspects[g.below(len(suspects))]
	for i := 0; i < len(s); i += 2 {
		g.plant(Term{Field: s[i], Text: s[i+1], At: Whole})
	}
}

// base is the last part of a path of either system.
func base(name string) string { return path.Base(strings.ReplaceAll(name, `\`, "/")) }
