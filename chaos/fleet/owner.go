package fleet

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Owner tells which of some workers has a connection from a local TCP port, by what Linux says about processes; -1 if
// none has.
func Owner(workers []*Worker, port int) int {
	inode := inodeOf(port)
	if inode == "" {
		return -1
	}
	for _, w := range workers {
		if pid := w.PID(); pid != 0 && holds(pid, inode) {
			return w.ID
		}
	}
	return -1
}

// inodeOf is the inode of the socket that is connected from a local port; "" if there is none.
func inodeOf(port int) string {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		if inode := findInode(table, fmt.Sprintf(":%04X", port)); inode != "" {
			return inode
		}
	}
	return ""
}

// findInode reads a table of sockets: number, local and remote address, state, queues, timer, retransmits, user,
// timeout and inode of each.
func findInode(table, port string) string {
	f, err := os.Open(table) //nolint:gosec // one of two names
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 9 && strings.HasSuffix(fields[1], port) && fields[9] != "0" {
			return fields[9]
		}
	}
	return ""
}

// holds reports whether a process has a socket open.
func holds(pid int, inode string) bool {
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && to == "socket:["+inode+"]" {
			return true
		}
	}
	return false
}
